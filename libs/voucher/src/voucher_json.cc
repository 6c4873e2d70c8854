// The JSON of vouchers. One object within one object, texts and truth values: no other form is read.
#include <map>
#include <nlohmann/json.hpp>

#include "camvault/base/base64.h"
#include "camvault/voucher/voucher.h"

namespace camvault::voucher {

using nlohmann::ordered_json;

namespace {
constexpr std::string_view kVoucherName = "ietf-voucher:voucher";
constexpr std::string_view kRequestName = "ietf-voucher-request:voucher";
constexpr std::size_t kMaxMembers = 16;
constexpr std::string_view kAssertions[] = {"verified", "logged", "proximity"};

struct Value {
  bool is_text = false;
  std::string text;
  bool truth = false;
};
using Members = std::map<std::string, Value, std::less<>>;

// Takes what the grammar has, in one pass, without ever building what it does not have.
class Taker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Taker(std::string_view name) : name_(name) {}
  Errc code() const { return code_; }
  Members& members() { return members_; }

  bool start_object(std::size_t) override { return depth_++ == (inside_ ? 1 : 0) || no(); }
  bool end_object() override { return depth_-- > 0; }
  bool key(std::string& text) override {
    if (depth_ == 1) {
      if (inside_ || text != name_) return no();
      inside_ = true;
      return true;
    }
    if (members_.size() == kMaxMembers) return no(Errc::limit);
    key_ = text;
    return members_.find(text) == members_.end() || no();
  }
  bool string(std::string& text) override { return give({true, text, false}); }
  bool boolean(bool truth) override { return give({false, {}, truth}); }
  bool null() override { return no(); }
  bool number_integer(number_integer_t) override { return no(); }
  bool number_unsigned(number_unsigned_t) override { return no(); }
  bool number_float(number_float_t, const string_t&) override { return no(); }
  bool binary(binary_t&) override { return no(); }
  bool start_array(std::size_t) override { return no(); }
  bool end_array() override { return no(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return no();
  }

 private:
  bool no(Errc code = Errc::malformed) {
    code_ = code;
    return false;
  }
  bool give(Value value) {
    if (depth_ != 2) return no();
    members_.emplace(key_, std::move(value));
    return true;
  }

  std::string_view name_;
  std::string key_;
  Members members_;
  int depth_ = 0;
  bool inside_ = false;
  Errc code_ = Errc::malformed;
};

Result<Members> members_of(BytesView json, std::string_view name) {
  if (json.size() > kMaxDocument) return fail(Errc::limit, "a voucher longer than 48 KiB");
  Taker taker(name);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &taker))
    return fail(taker.code(), "not the JSON of " + std::string(name));
  return std::move(taker.members());
}

// Members are taken one after the other; what is left in the end is not known.
class Fields {
 public:
  explicit Fields(Members members) : members_(std::move(members)) {}

  Status text(std::string_view name, std::optional<std::string>& out) {
    CAM_TRY(auto value, take(name, true));
    if (value) out = std::move(value->text);
    return ok();
  }
  Status truth(std::string_view name, std::optional<bool>& out) {
    CAM_TRY(const auto value, take(name, false));
    if (value) out = value->truth;
    return ok();
  }
  Status time(std::string_view name, std::optional<Timestamp>& out) {
    std::optional<std::string> value;
    CAM_TRY_STATUS(text(name, value));
    if (!value) return ok();
    auto read = read_date_and_time(*value);
    if (!read) return fail_in(name, read.error());
    out = *read;
    return ok();
  }
  // RFC 7951 6.6: base64, in one line.
  Status binary(std::string_view name, Bytes& out) {
    std::optional<std::string> value;
    CAM_TRY_STATUS(text(name, value));
    if (!value) return ok();
    if (value->empty() || value->find_first_of(" \t\r\n") != std::string::npos)
      return fail(Errc::malformed, std::string(name) + " is empty, or has white space in it");
    auto read = read_base64(*value);
    if (!read) return fail_in(name, read.error());
    out = std::move(*read);
    return ok();
  }
  Status nonce(std::optional<Nonce>& out) {
    std::optional<std::string> value;
    CAM_TRY_STATUS(text("nonce", value));
    if (!value) return ok();
    CAM_TRY(out, Nonce::read(*value));
    return ok();
  }
  Status assertion(std::optional<Assertion>& out) {
    std::optional<std::string> value;
    CAM_TRY_STATUS(text("assertion", value));
    if (!value) return ok();
    for (std::size_t i = 0; i < std::size(kAssertions); ++i) {
      if (*value == kAssertions[i]) out = static_cast<Assertion>(i);
    }
    if (!out) return fail(Errc::unsupported, "an assertion that is not known");
    return ok();
  }
  Status serial(std::string& out) {
    std::optional<std::string> value;
    CAM_TRY_STATUS(text("serial-number", value));
    const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
    if (!value || value->empty() || value->size() > kMaxSerial ||
        !std::all_of(value->begin(), value->end(), printable))
      return fail(Errc::malformed, "no serial-number of 1 to 64 printable characters");
    out = std::move(*value);
    return ok();
  }
  Status finish() const {
    if (!members_.empty()) return fail(Errc::unsupported, "a member that is not known");
    return ok();
  }

 private:
  Result<std::optional<Value>> take(std::string_view name, bool is_text) {
    const auto at = members_.find(name);
    if (at == members_.end()) return std::optional<Value>();
    if (at->second.is_text != is_text) return fail(Errc::malformed, std::string(name) + " has another type");
    std::optional<Value> out(std::move(at->second));
    members_.erase(at);
    return out;
  }
  Members members_;
};

// RFC 8366 5.3: the must-statements.
Status check_musts(const std::optional<Nonce>& nonce, const std::optional<Timestamp>& expires_on,
                   const std::optional<Timestamp>& last_renewal) {
  if (nonce && expires_on) return fail(Errc::malformed, "a nonce and expires-on exclude each other");
  if (last_renewal && !expires_on) return fail(Errc::malformed, "last-renewal-date needs expires-on");
  return ok();
}

class Writer {
 public:
  void text(const char* name, std::string value) { out_[name] = std::move(value); }
  void time(const char* name, const std::optional<Timestamp>& value) {
    if (value) text(name, to_iso8601(*value));
  }
  void binary(const char* name, BytesView value) {
    if (!value.empty()) text(name, write_base64(value));
  }
  void truth(const char* name, const std::optional<bool>& value) {
    if (value) out_[name] = *value;
  }
  void nonce(const std::optional<Nonce>& value) {
    if (value) text("nonce", value->text());
  }
  std::string done(std::string_view name) {
    return ordered_json{{name, std::move(out_)}}.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

 private:
  ordered_json out_ = ordered_json::object();
};
}  // namespace

std::string_view to_string(Assertion assertion) {
  return kAssertions[static_cast<std::size_t>(assertion)];
}

Nonce Nonce::of(BytesView bytes) {
  Nonce out;
  out.bytes_ = to_bytes(bytes);
  out.text_ = write_base64(bytes);
  return out;
}

Result<Nonce> Nonce::read(std::string_view text) {
  Nonce out;
  out.text_ = text;
  std::string plain(text);
  for (auto& c : plain) c = c == '-' ? '+' : c == '_' ? '/' : c;
  if (plain.find('=') == std::string::npos) plain.append((4 - plain.size() % 4) % 4, '=');
  auto bytes = read_base64(plain);
  if (!bytes || plain.find_first_of(" \t\r\n") != std::string::npos || bytes->size() < kMinNonce ||
      bytes->size() > kMaxNonce)
    return fail(Errc::malformed, "a nonce has 8 to 32 bytes in base64");
  out.bytes_ = std::move(*bytes);
  return out;
}

Result<Voucher> read_voucher(BytesView json) {
  CAM_TRY(auto members, members_of(json, kVoucherName));
  Fields in(std::move(members));
  Voucher out;
  std::optional<Timestamp> created;
  std::optional<Assertion> assertion;
  CAM_TRY_STATUS(in.time("created-on", created));
  CAM_TRY_STATUS(in.time("expires-on", out.expires_on));
  CAM_TRY_STATUS(in.assertion(assertion));
  CAM_TRY_STATUS(in.serial(out.serial_number));
  CAM_TRY_STATUS(in.binary("idevid-issuer", out.idevid_issuer));
  CAM_TRY_STATUS(in.binary("pinned-domain-cert", out.pinned_domain_cert));
  CAM_TRY_STATUS(in.truth("domain-cert-revocation-checks", out.domain_cert_revocation_checks));
  CAM_TRY_STATUS(in.nonce(out.nonce));
  CAM_TRY_STATUS(in.time("last-renewal-date", out.last_renewal_date));
  CAM_TRY_STATUS(in.finish());
  CAM_TRY_STATUS(check_musts(out.nonce, out.expires_on, out.last_renewal_date));
  if (!created || !assertion || out.pinned_domain_cert.empty())
    return fail(Errc::malformed, "a voucher has created-on, assertion and pinned-domain-cert");
  out.created_on = *created;
  out.assertion = *assertion;
  return out;
}

Result<VoucherRequest> read_request(BytesView json) {
  CAM_TRY(auto members, members_of(json, kRequestName));
  Fields in(std::move(members));
  VoucherRequest out;
  CAM_TRY_STATUS(in.time("created-on", out.created_on));
  CAM_TRY_STATUS(in.time("expires-on", out.expires_on));
  CAM_TRY_STATUS(in.assertion(out.assertion));
  CAM_TRY_STATUS(in.serial(out.serial_number));
  CAM_TRY_STATUS(in.binary("idevid-issuer", out.idevid_issuer));
  CAM_TRY_STATUS(in.binary("pinned-domain-cert", out.pinned_domain_cert));
  CAM_TRY_STATUS(in.truth("domain-cert-revocation-checks", out.domain_cert_revocation_checks));
  CAM_TRY_STATUS(in.nonce(out.nonce));
  CAM_TRY_STATUS(in.time("last-renewal-date", out.last_renewal_date));
  CAM_TRY_STATUS(in.binary("prior-signed-voucher-request", out.prior_signed_voucher_request));
  CAM_TRY_STATUS(in.binary("proximity-registrar-cert", out.proximity_registrar_cert));
  CAM_TRY_STATUS(in.finish());
  CAM_TRY_STATUS(check_musts(out.nonce, out.expires_on, out.last_renewal_date));
  return out;
}

std::string write_voucher(const Voucher& voucher) {
  Writer out;
  out.text("assertion", std::string(to_string(voucher.assertion)));
  out.time("created-on", voucher.created_on);
  out.time("expires-on", voucher.expires_on);
  out.text("serial-number", voucher.serial_number);
  out.binary("idevid-issuer", voucher.idevid_issuer);
  out.nonce(voucher.nonce);
  out.binary("pinned-domain-cert", voucher.pinned_domain_cert);
  out.truth("domain-cert-revocation-checks", voucher.domain_cert_revocation_checks);
  out.time("last-renewal-date", voucher.last_renewal_date);
  return out.done(kVoucherName);
}

std::string write_request(const VoucherRequest& request) {
  Writer out;
  if (request.assertion) out.text("assertion", std::string(to_string(*request.assertion)));
  out.time("created-on", request.created_on);
  out.time("expires-on", request.expires_on);
  out.text("serial-number", request.serial_number);
  out.binary("idevid-issuer", request.idevid_issuer);
  out.nonce(request.nonce);
  out.binary("pinned-domain-cert", request.pinned_domain_cert);
  out.truth("domain-cert-revocation-checks", request.domain_cert_revocation_checks);
  out.time("last-renewal-date", request.last_renewal_date);
  out.binary("prior-signed-voucher-request", request.prior_signed_voucher_request);
  out.binary("proximity-registrar-cert", request.proximity_registrar_cert);
  return out.done(kRequestName);
}

}  // namespace camvault::voucher
