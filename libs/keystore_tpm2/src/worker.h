// The one thread that talks to a TPM: an ESYS context is not for two, and a TPM does one thing at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "camvault/keystore_engine/backend.h"
#include "tpm.h"

namespace camvault::keystore_tpm2 {

class Worker {
 public:
  explicit Worker(TctiName where) : where_(std::move(where)) {}
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();  // the thread; at the first call if not before

  // Runs `work` on the thread and waits for it. Opens the TPM if it is not open; if it turns out to be gone
  // and `repeatable`, opens it anew and runs `work` once more.
  enum class Repeat { safe, unsafe };
  template <class T>
  Result<T> run(Repeat repeat, const std::function<Result<T>(Tpm&)>& work) {
    std::promise<Result<T>> promise;
    auto answer = promise.get_future();
    post([&] { promise.set_value(attempt<T>(repeat, work)); });
    return answer.get();
  }

  std::uint64_t new_id() { return ++last_id_; }  // for Tpm::load

  void look();  // notes the TPM's health soon; does not wait
  TpmFacts facts() const;
  keystore_engine::Health health() const;

 private:
  template <class T>
  Result<T> attempt(Repeat repeat, const std::function<Result<T>(Tpm&)>& work) {
    for (bool first = true;; first = false) {
      const bool was_open = tpm_ != nullptr;
      CAM_TRY_STATUS(open());
      auto result = work(*tpm_);
      if (!tpm_->is_lost()) return result;
      if (result) {
        close("the TPM was reset");
        return result;
      }
      close(result.error().what);
      // Only a connection that had stood idle may have been dead before the command was sent.
      if (!first || !was_open || repeat == Repeat::unsafe) return result;
    }
  }
  void post(std::function<void()> job);
  void serve();
  Status open();
  void close(const std::string& why);
  void note(const Status& status);

  const TctiName where_;
  std::unique_ptr<Tpm> tpm_;  // the thread's
  std::atomic<std::uint64_t> last_id_ = 0;
  std::once_flag started_;
  std::thread thread_;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable wanted_;
  std::deque<std::function<void()>> jobs_;
  bool looking_ = false;
  bool stopped_ = false;
  TpmFacts facts_;
  keystore_engine::Health health_{.usable = false, .detail = "not looked for yet"};
};

}  // namespace camvault::keystore_tpm2
