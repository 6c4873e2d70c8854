#include "camvault/claim/desk.h"

#include <fcntl.h>
#include <sys/file.h>

#include <charconv>

#include "camvault/brski/onboarding_state.h"
#include "camvault/crypto_openssl/issue.h"
#include "camvault/enrolment/local_identity.h"
#include "camvault/enrolment/media_enroller.h"

namespace camvault::claim {

namespace {
constexpr std::size_t kMaxState = 4096;
constexpr std::chrono::seconds kLongestWait{3600};

http::Response reply(int status, const Answer& answer) {
  http::Response out;
  out.status = status;
  out.headers.add("Content-Type", "application/json");
  if (answer.wait > 0) out.headers.add("Retry-After", std::to_string(answer.wait));
  out.body = to_bytes(as_bytes(write_answer(answer)));
  return out;
}

http::Response refuse(int status, std::string error) {
  Answer answer;
  answer.error = std::move(error);
  return reply(status, answer);
}

Result<bool> has_owner(const std::filesystem::path& folder) {
  CAM_TRY(const auto owner, brski::read_owner(folder));
  CAM_TRY(const auto identity, enrolment::read_local_identity(folder));
  return !owner.pinned_pem.empty() || identity.active.has_value();
}

Result<unsigned> read_wrong(const std::filesystem::path& file) {
  const auto content = read_file(file, kMaxState);
  if (!content && content.error().code == Errc::not_found) return 0u;
  if (!content) return tl::unexpected(content.error());
  // "wrong N": what cannot be read is as bad as many.
  const auto text = as_text(*content);
  unsigned out = kMaxWrong;
  if (text.starts_with("wrong ")) std::from_chars(text.data() + 6, text.data() + text.size(), out);
  return out;
}

unsigned whole_seconds(std::chrono::steady_clock::duration time) {
  return static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(time).count());
}
}  // namespace

std::chrono::seconds wait_after(unsigned wrong) {
  if (wrong == 0) return std::chrono::seconds(0);
  return std::min(kLongestWait, std::chrono::seconds(1u << std::min(wrong - 1, 12u)));
}

Result<Desk> Desk::open(const crypto::Engine& engine, keystore::Keystore& keystore,
                        const std::filesystem::path& folder, SteadyTime now) {
  CAM_TRY(const auto owned, has_owner(folder));
  if (owned) return fail(Errc::exists, "the camera has an owner (camvault claim reset)");
  CAM_TRY(const auto name, keystore::KeyName::parse(kClaimKey));
  const auto key = keystore.info(name);
  if (!key && key.error().code == Errc::not_found)
    return fail(Errc::not_found, "the camera has no code (camvault claim code)");
  if (!key) return tl::unexpected(key.error());
  UniqueFd lock(::open((folder / kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Errc::unavailable, "another process waits for a claim");
  Desk out(engine, keystore, folder, std::move(lock));
  CAM_TRY(out.wrong_, read_wrong(folder / kClaimFile));
  out.open_from_ = now + wait_after(out.wrong_);
  return out;
}

Result<Bytes> Desk::proof_of(Side side, const Terms& terms) {
  CAM_TRY(const auto name, keystore::KeyName::parse(kClaimKey));
  return keystore_->mac({name, keystore::Purpose::mac}, to_be_proven(*engine_, side, terms));
}

Status Desk::write_wrong() {
  return write_file_atomically(folder_ / kClaimFile, as_bytes("wrong " + std::to_string(wrong_) + "\n"),
                               0600);
}

http::Response Desk::answer(const http::Request& request, BytesView channel_binding, SteadyTime now) {
  if (request.path() != kClaimPath) return refuse(404, "malformed");
  if (request.method != "POST") return refuse(405, "malformed");
  if (claimed_) return refuse(409, "has-owner");
  const auto read = read_request(request.body);
  if (!read) return refuse(400, "malformed");
  return judge(*read, channel_binding, now);
}

http::Response Desk::judge(const Request& request, BytesView channel_binding, SteadyTime now) {
  if (wrong_ >= kMaxWrong) return refuse(403, "locked");
  if (now < open_from_) {
    Answer later;
    later.error = "wait";
    later.tries_left = kMaxWrong - wrong_;
    later.wait = whole_seconds(open_from_ - now);
    return reply(429, later);
  }
  const auto ca = engine_->certificate_from_der(request.owner_ca);
  const auto url = http::parse_url(request.server);
  if (!ca || !url || !url->tls || url->target != "/") return refuse(400, "malformed");
  const Terms terms{to_bytes(channel_binding), request.owner_ca, request.server};
  // Counted before it is looked at: cutting the power does not give a try back.
  ++wrong_;
  open_from_ = now + wait_after(wrong_);
  if (!write_wrong()) return refuse(503, "wait");
  const auto expected = proof_of(Side::owner, terms);
  if (!expected) return refuse(503, "wait");
  if (!equal_constant_time(*expected, request.proof)) {
    Answer wrong;
    wrong.error = wrong_ >= kMaxWrong ? "locked" : "wrong-code";
    wrong.tries_left = kMaxWrong - wrong_;
    wrong.wait = whole_seconds(wait_after(wrong_));
    return reply(403, wrong);
  }
  const auto ours = proof_of(Side::camera, terms);
  const auto owned = has_owner(folder_);
  if (!ours || !owned) return refuse(503, "wait");
  if (*owned) return refuse(409, "has-owner");
  const auto written = brski::write_owner(
      folder_, {"https://" + url->authority() + "/", crypto_openssl::certificate_pem(*ca), {}, true});
  if (!written) return refuse(503, "wait");
  claimed_ = true;
  Answer good;
  good.proof = *ours;
  return reply(200, good);
}

Result<Secret> make_code(const crypto::Engine& engine, keystore::Keystore& keystore,
                         std::string_view serial) {
  auto code = new_code(engine);
  CAM_TRY(const auto key, key_of_code(code, serial));
  CAM_TRY(const auto name, keystore::KeyName::parse(kClaimKey));
  constexpr auto kType = keystore::KeyType::hmac_sha256;
  const auto made =
      keystore.import_key(name, kType, keystore::default_policy(kType, keystore::Purpose::mac), key);
  if (!made && made.error().code == Errc::exists)
    return fail(Errc::exists, "the camera has a code, which nobody can read again");
  if (!made) return tl::unexpected(made.error());
  return code;
}

Status forget_everything(keystore::Keystore& keystore, const std::filesystem::path& folder) {
  CAM_TRY(const auto keys, keystore.list());
  // The owner first: whatever moment this is stopped at, nobody's half is left in charge.
  for (const auto name :
       {enrolment::kStateFile, brski::kOwnerFile, enrolment::kChainFile, enrolment::kAnchorsFile}) {
    std::error_code error;
    std::filesystem::remove(folder / name, error);
    if (error) return fail(Errc::io, "cannot remove " + (folder / name).string() + ": " + error.message());
  }
  for (const auto& key : keys) {
    if (!key.name.text().starts_with("camera/ldevid-")) continue;
    const auto removed = keystore.remove(key.name);
    if (!removed && removed.error().code != Errc::not_found) return removed;
  }
  CAM_TRY_STATUS(enrolment::forget_media_keys(keystore, folder));
  std::error_code error;
  std::filesystem::remove(folder / kClaimFile, error);
  if (error)
    return fail(Errc::io, "cannot remove " + (folder / kClaimFile).string() + ": " + error.message());
  return ok();
}

}  // namespace camvault::claim
