#include <nlohmann/json.hpp>

#include "camvault/base/base64.h"
#include "camvault/claim/claim.h"

namespace camvault::claim {

using nlohmann::json;

namespace {
constexpr std::size_t kProof = 32;
constexpr std::size_t kMaxServer = 256;
constexpr int kDeepest = 1;
constexpr int kVersion = 1;

// One flat object of this version, with these members at most, none twice.
Result<json> object_of(BytesView text, std::initializer_list<std::string_view> known) {
  if (text.size() > kMaxMessage) return fail(Errc::limit, "a message longer than 16 KiB");
  std::size_t keys = 0;
  bool deep = false;
  auto value = json::parse(
      as_text(text),
      [&](int depth, json::parse_event_t event, json&) {
        deep = deep || depth > kDeepest;
        keys += event == json::parse_event_t::key ? 1u : 0u;
        return depth <= kDeepest;
      },
      false);
  if (!value.is_object() || deep || keys != value.size())
    return fail(Errc::malformed, "not a message of a claim");
  const auto version = value.find("version");
  if (version == value.end() || *version != kVersion)
    return fail(Errc::unsupported, "a claim of another version");
  for (const auto& [name, member] : value.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail(Errc::unsupported, "a member that is not known");
  }
  return value;
}

Result<std::string> text_of(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_string()) return fail(Errc::malformed, std::string(name) + " is missing");
  return at->get<std::string>();
}

Result<Bytes> bytes_of(const json& object, const char* name) {
  CAM_TRY(const auto text, text_of(object, name));
  return read_base64(text);
}

unsigned number_of(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_number_unsigned()
             ? static_cast<unsigned>(at->get<std::uint64_t>() & 0xffffff)
             : 0;
}
}  // namespace

Result<Request> read_request(BytesView text) {
  CAM_TRY(const auto object, object_of(text, {"version", "owner_ca", "server", "proof"}));
  Request out;
  CAM_TRY(out.owner_ca, bytes_of(object, "owner_ca"));
  CAM_TRY(out.server, text_of(object, "server"));
  CAM_TRY(out.proof, bytes_of(object, "proof"));
  if (out.owner_ca.empty() || out.server.empty() || out.server.size() > kMaxServer ||
      out.proof.size() != kProof)
    return fail(Errc::malformed, "a claim has an owner's CA, a server and a proof of 32 bytes");
  return out;
}

std::string write_request(const Request& request) {
  return json{{"version", kVersion},
              {"owner_ca", write_base64(request.owner_ca)},
              {"server", request.server},
              {"proof", write_base64(request.proof)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Answer> read_answer(BytesView text) {
  CAM_TRY(const auto object, object_of(text, {"version", "proof", "error", "tries_left", "wait"}));
  Answer out;
  if (object.contains("proof")) {
    CAM_TRY(out.proof, bytes_of(object, "proof"));
    if (out.proof.size() != kProof) return fail(Errc::malformed, "a proof has 32 bytes");
    return out;
  }
  CAM_TRY(out.error, text_of(object, "error"));
  if (out.error.empty() || out.error.size() > 32) return fail(Errc::malformed, "no error");
  out.tries_left = number_of(object, "tries_left");
  out.wait = number_of(object, "wait");
  return out;
}

std::string write_answer(const Answer& answer) {
  if (!answer.proof.empty()) return json{{"version", kVersion}, {"proof", write_base64(answer.proof)}}.dump();
  return json{{"version", kVersion},
              {"error", answer.error},
              {"tries_left", answer.tries_left},
              {"wait", answer.wait}}
      .dump();
}

}  // namespace camvault::claim
