// One caller at a time talks to a TPM: an ESYS context is not for two, and a TPM does one thing at a time.
// Callers do so themselves, since handing a command over to another thread and back costs as much as many a
// command; a thread of its own looks after the TPM's health, for those who must not wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
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

  void start();  // the thread; when somebody looks at the health if not before

  // Runs `work` when nobody else uses the TPM. Opens it if it is not open; if it turns out to be gone and
  // `repeat` is safe, opens it anew and runs `work` once more. The process must ignore SIGPIPE.
  enum class Repeat { safe, unsafe };
  template <class T>
  Result<T> run(Repeat repeat, const std::function<Result<T>(Tpm&)>& work) {
    const std::lock_guard lock(tpm_mutex_);
    return attempt<T>(repeat, work);
  }

  std::uint64_t new_id() { return ++last_id_; }  // for Tpm::load

  void look();  // notes the TPM's health soon; does not wait
  TpmFacts facts() const;
  keystore_engine::Health health() const;

 private:
  template <class T>  // with tpm_mutex_ held
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
  void serve();
  Status open();
  void close(const std::string& why);
  void note(const Status& status);

  const TctiName where_;
  std::mutex tpm_mutex_;  // guards the next one; held as long as the TPM takes
  std::unique_ptr<Tpm> tpm_;
  std::atomic<std::uint64_t> last_id_ = 0;
  std::once_flag started_;
  std::thread thread_;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable wanted_;
  bool looking_ = false;  // somebody has asked, and it is not done
  bool stopped_ = false;
  TpmFacts facts_;
  keystore_engine::Health health_{.usable = false, .detail = "not looked for yet"};
};

}  // namespace camvault::keystore_tpm2
