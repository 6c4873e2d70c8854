#include "camvault/identity/batch.h"

#include <unordered_set>

namespace camvault::identity {

namespace {
// Reasons begin with the refusal's name. What is no name is about the request itself.
BatchRefusal refusal_of(const std::string& serial, const Error& error) {
  const auto colon = error.what.find(": ");
  const auto name = error.what.substr(0, colon);
  if (colon == std::string::npos || name.empty() ||
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != std::string::npos)
    return {serial, "bad-request", error.what};
  return {serial, name, error.what.substr(colon + 2)};
}

// The factory itself cannot go on; or one camera is refused.
bool ends_all(const Error& error) {
  return error.code == Errc::io || error.code == Errc::unavailable || error.code == Errc::internal ||
         error.what.starts_with("revoked-authority");
}

class Batch {
 public:
  Batch(Factory& factory, crypto::SigningKey& key, const crypto::Engine& engine, const BatchOptions& options)
      : factory_(factory), key_(key), engine_(engine), options_(options) {}

  Result<BatchResult> run(RequestStream& requests) {
    CAM_TRY(result_.batch, factory_.begin_batch(options_.order));
    CAM_TRY(const auto orders, factory_.orders());
    for (const auto& order : orders) {
      if (order.id == options_.order) result_.progress.ordered = order.count;
    }
    for (;;) {
      auto next = requests.next();
      if (!next && (next.error().code == Errc::io || next.error().code == Errc::not_found))
        return tl::unexpected(next.error());
      if (!next) {
        refuse(refusal_of({}, next.error()));
      } else if (!*next) {
        break;
      } else {
        CAM_TRY_STATUS(take(std::move(**next)));
      }
      if (group_.empty() && options_.stop && options_.stop()) return stopped();
    }
    CAM_TRY_STATUS(issue());
    // An order of which cameras are missing goes on when they come: what was done stays done.
    CAM_TRY_STATUS(factory_.end_batch(options_.order));
    result_.finished = true;
    return std::move(result_);
  }

 private:
  Result<BatchResult> stopped() {
    CAM_TRY_STATUS(factory_.checkpoint());
    return std::move(result_);
  }

  void refuse(BatchRefusal refusal) {
    ++result_.progress.refused;
    ++result_.refusals[refusal.name];
    if (options_.on_refusal) options_.on_refusal(refusal);
  }

  Status take(ProvisionRequest request) {
    // A second time in one run is a replay, even where the first time was before the line was stopped.
    const bool first = seen_.insert(request.serial).second;
    if (first && factory_.was_issued_in(request, result_.batch)) {
      ++result_.progress.before;
      return ok();
    }
    if (!request.attestation.empty())
      request.attestation_nonce = offline_challenge(engine_, options_.order, request.serial);
    group_.push_back(std::move(request));
    return group_.size() < options_.group ? ok() : issue();
  }

  Status issue() {
    const auto results = factory_.provision_group(key_, group_, {options_.order, result_.batch});
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i]) {
        ++result_.progress.issued;
      } else if (ends_all(results[i].error())) {
        return tl::unexpected(results[i].error());
      } else {
        refuse(refusal_of(group_[i].serial, results[i].error()));
      }
    }
    group_.clear();
    if (options_.on_progress) options_.on_progress(result_.progress);
    return ok();
  }

  Factory& factory_;
  crypto::SigningKey& key_;
  const crypto::Engine& engine_;
  const BatchOptions& options_;
  BatchResult result_;
  std::vector<ProvisionRequest> group_;
  std::unordered_set<std::string> seen_;  // at most the stream's cameras, some 60 bytes each
};
}  // namespace

Result<BatchResult> run_batch(Factory& factory, crypto::SigningKey& device_ca_key,
                              const crypto::Engine& engine, RequestStream& requests,
                              const BatchOptions& options) {
  if (options.group == 0 || options.group > 4096) return fail(Errc::usage, "a group has 1 to 4096 cameras");
  return Batch(factory, device_ca_key, engine, options).run(requests);
}

}  // namespace camvault::identity
