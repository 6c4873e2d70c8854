#include "token.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "camvault/base/file.h"
#include "mechanisms.h"

namespace camvault::keystore_pkcs11 {

using keystore_engine::Health;

namespace {
constexpr std::size_t kMaxSlots = 64;
constexpr std::size_t kMaxPin = 256;
constexpr std::chrono::seconds kBetweenRestarts{1};

// PKCS#11 2.40 5.4: threads of ours, mutexes of the operating system.
CK_C_INITIALIZE_ARGS with_threads() {
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  return arguments;
}

// p11-kit 0.24's remoting sends all calls through one connection, to a server that answers one after the
// other. If the server ends while two threads wait for answers, one of them can be forgotten and waits for
// ever. One thread at a time loses nothing there, and is never forgotten.
bool loses_threads(const std::filesystem::path& module) {
  std::error_code error;
  const auto file = std::filesystem::canonical(module, error);
  return (error ? module : file).filename().string().find("p11-kit") != std::string::npos;
}
}  // namespace

Status Session::check(const char* function, CK_RV rv) {
  if (rv == CKR_OK) return ok();
  failed_ = true;
  gone_ = gone_ || means_gone(rv);
  return fail_with(function, rv);
}

Result<std::shared_ptr<Token>> Token::load(const Pkcs11Options& options) {
  CAM_TRY(auto uri, parse_token_uri(options.uri));
  for (const auto& variable : options.environment) {
    const auto equals = variable.find('=');
    ::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  void* library = ::dlopen(options.module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(Errc::unavailable, std::string("the library does not load: ") + (why == nullptr ? "?" : why));
  }
  const auto get_functions =
      reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get_functions == nullptr || get_functions(&functions) != CKR_OK || functions == nullptr) {
    ::dlclose(library);
    return fail(Errc::unavailable, options.module.string() + " is no PKCS#11 module");
  }
  if (functions->version.major != 2) {
    ::dlclose(library);
    return fail(Errc::unavailable, options.module.string() + " speaks another version of PKCS#11 than 2");
  }
  return std::shared_ptr<Token>(new Token(options, std::move(uri), library, functions));
}

Token::Token(const Pkcs11Options& options, TokenUri uri, void* library, CK_FUNCTION_LIST* functions)
    : options_(options),
      uri_(std::move(uri)),
      one_at_a_time_(loses_threads(options.module)),
      library_(library),
      functions_(functions) {}

Token::~Token() {
  if (initialized_) functions_->C_Finalize(nullptr);
  ::dlclose(library_);
}

Token::Turn Token::take_turn() {
  if (one_at_a_time_) return {{}, std::unique_lock(library_in_use_)};
  return {std::shared_lock(library_in_use_), {}};
}

void Token::initialize() {
  const std::lock_guard lock(mutex_);
  if (initialized_) return;
  auto arguments = with_threads();
  const auto rv = functions_->C_Initialize(&arguments);
  initialized_ = rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED;
  if (!initialized_) note(fail_with("C_Initialize", rv));
}

Result<Session> Token::lease(Repeat repeat) {
  initialize();
  const std::lock_guard lock(mutex_);
  for (;;) {
    if (!opened_) {
      auto opened = open();
      note(opened);
      if (!opened) return tl::unexpected(std::move(opened).error());
    }
    if (idle_.empty()) break;
    const auto handle = idle_.back();
    idle_.pop_back();
    if (repeat == Repeat::safe) return Session(*functions_, handle, generation_);
    // What must not run twice begins with a session that is known to be alive.
    CK_SESSION_INFO info{};
    if (functions_->C_GetSessionInfo(handle, &info) == CKR_OK)
      return Session(*functions_, handle, generation_);
    forget();
  }
  CAM_TRY(const auto handle, open_session());
  return Session(*functions_, handle, generation_);
}

bool Token::give_back(Session& session) {
  const std::lock_guard lock(mutex_);
  if (session.gone_) {
    if (session.generation_ == generation_) forget();
    return true;
  }
  if (session.generation_ != generation_) return false;
  if (session.failed_) {
    functions_->C_CloseSession(session.handle_);
  } else {
    idle_.push_back(session.handle_);
  }
  return false;
}

void Token::probe() {
  const auto alive = use<void>(Repeat::safe, [](Session& session) {
    CK_SESSION_INFO info{};
    return session.check("C_GetSessionInfo", session.library().C_GetSessionInfo(session.handle(), &info));
  });
  note(alive);
}

void Token::forget() {
  if (opened_)
    functions_->C_CloseAllSessions(slot_);  // a token that is gone cannot answer; nothing depends on it
  opened_ = false;
  idle_.clear();
  ++generation_;
}

// Some libraries notice nothing until they begin anew: p11-kit's client keeps the connection to a server that
// ended.
bool Token::restart() {
  const std::unique_lock alone(library_in_use_);
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (opened_) return true;  // somebody else did it meanwhile
  if (!refused_pin_.empty() || now - last_restart_ < kBetweenRestarts) return false;
  last_restart_ = now;
  forget();
  if (initialized_) functions_->C_Finalize(nullptr);
  auto arguments = with_threads();
  const auto rv = functions_->C_Initialize(&arguments);
  initialized_ = rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED;
  return initialized_;
}

Status Token::open() {
  CAM_TRY(slot_, find_slot());
  CAM_TRY(const auto session, open_session());
  auto learned = [&]() -> Result<TokenFacts> {
    CAM_TRY_STATUS(log_in(session));
    return learn(slot_);
  }();
  if (!learned) {
    functions_->C_CloseSession(session);
    return tl::unexpected(std::move(learned).error());
  }
  opened_ = true;
  ++generation_;
  idle_.push_back(session);
  const std::lock_guard lock(seen_mutex_);
  facts_ = std::move(*learned);
  return ok();
}

Result<CK_SLOT_ID> Token::find_slot() {
  CK_SLOT_ID slots[kMaxSlots];
  CK_ULONG count = kMaxSlots;
  if (const auto rv = functions_->C_GetSlotList(CK_TRUE, slots, &count); rv != CKR_OK)
    return fail_with("C_GetSlotList", rv);
  for (CK_ULONG i = 0; i < std::min<CK_ULONG>(count, kMaxSlots); ++i) {
    CK_TOKEN_INFO info{};
    if (functions_->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    const TokenUri::Token token{.label = text_of(info.label),
                                .serial = text_of(info.serialNumber),
                                .manufacturer = text_of(info.manufacturerID),
                                .model = text_of(info.model),
                                .slot_id = slots[i]};
    if (uri_.matches(token) && (info.flags & CKF_TOKEN_INITIALIZED) != 0) return slots[i];
  }
  return fail(Errc::unavailable, "there is no token " + options_.uri);
}

Result<CK_SESSION_HANDLE> Token::open_session() {
  CK_SESSION_HANDLE handle = 0;
  if (const auto rv =
          functions_->C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &handle);
      rv != CKR_OK) {
    if (means_gone(rv)) forget();
    return fail_with("C_OpenSession", rv);
  }
  return handle;
}

Status Token::log_in(CK_SESSION_HANDLE session) {
  struct stat info {};
  std::string identity = "absent";
  if (::stat(options_.pin_file.c_str(), &info) == 0) {
    identity = std::to_string(info.st_ino) + " " + std::to_string(info.st_mtim.tv_sec) + " " +
               std::to_string(info.st_mtim.tv_nsec) + " " + std::to_string(info.st_size);
  }
  // Three wrong ones lock many tokens for good.
  if (identity == refused_pin_)
    return fail(Errc::unavailable, "the token refused the PIN in " + options_.pin_file.string() +
                                       "; it is tried again when the file has changed");
  CAM_TRY(const auto pin, read_pin());
  const auto rv = pin.reveal([&](BytesView bytes) {
    return functions_->C_Login(session, CKU_USER, const_cast<unsigned char*>(bytes.data()), bytes.size());
  });
  if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
    refused_pin_.clear();
    return ok();
  }
  if (rv == CKR_PIN_LOCKED)
    return fail(Errc::unavailable, "the token's PIN is locked: its owner has to unlock it");
  if (!means_gone(rv)) refused_pin_ = identity;
  return fail_with("C_Login", rv);
}

Result<Secret> Token::read_pin() {
  const auto& path = options_.pin_file;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid())
    return fail(Errc::unavailable, "cannot open the PIN file " + path.string() + ": " + errno_text(errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(Errc::unavailable, "the PIN file " + path.string() + " is no regular file");
  if (info.st_uid != ::geteuid() || (info.st_mode & 077u) != 0)
    return fail(Errc::unavailable,
                "the PIN file " + path.string() + " must belong to keystored's user, with mode 0600");
  std::size_t size = 0;
  auto whole = Secret::make(kMaxPin + 1, [&](std::span<std::uint8_t> room) {
    const auto n = ::read(fd.get(), room.data(), room.size());
    size = n < 0 ? 0 : static_cast<std::size_t>(n);
  });
  return whole.reveal([&](BytesView bytes) -> Result<Secret> {
    auto pin = bytes.first(size);
    while (!pin.empty() && (pin.back() == '\n' || pin.back() == '\r')) pin = pin.first(pin.size() - 1);
    if (pin.empty() || size > kMaxPin)
      return fail(Errc::unavailable, "the PIN file " + path.string() + " is empty or longer than 256 bytes");
    return Secret(pin);
  });
}

// A token that goes away while it is asked has said nothing of itself: what was known stays.
Result<TokenFacts> Token::learn(CK_SLOT_ID slot) {
  CK_TOKEN_INFO info{};
  if (const auto rv = functions_->C_GetTokenInfo(slot, &info); rv != CKR_OK)
    return fail_with("C_GetTokenInfo", rv);
  TokenFacts out;
  CAM_TRY(out.key_types, key_types_of(*functions_, slot));
  out.description = text_of(info.manufacturerID) + " " + text_of(info.model) + ", token \"" +
                    text_of(info.label) + "\", serial number " + text_of(info.serialNumber) + ", firmware " +
                    std::to_string(info.firmwareVersion.major) + "." +
                    std::to_string(info.firmwareVersion.minor);
  CK_SLOT_INFO slot_info{};
  out.hardware_slot =
      functions_->C_GetSlotInfo(slot, &slot_info) == CKR_OK && (slot_info.flags & CKF_HW_SLOT) != 0;
  out.soft = text_of(info.manufacturerID).find("SoftHSM") != std::string::npos ||
             text_of(info.model).find("SoftHSM") != std::string::npos;
  return out;
}

void Token::note(const Status& opened) {
  const std::lock_guard lock(seen_mutex_);
  health_.usable = opened.has_value();
  health_.detail = opened ? "ready" : opened.error().what;
  health_.module = facts_.description;
}

TokenFacts Token::facts() const {
  const std::lock_guard lock(seen_mutex_);
  return facts_;
}

Health Token::health() const {
  const std::lock_guard lock(seen_mutex_);
  return health_;
}

}  // namespace camvault::keystore_pkcs11
