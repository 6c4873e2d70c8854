#include "worker.h"

#include <csignal>

namespace camvault::keystore_tpm2 {

Worker::~Worker() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wanted_.notify_all();
  thread_.join();
}

void Worker::start() {
  std::call_once(started_, [this] { thread_ = std::thread([this] { serve(); }); });
}

void Worker::post(std::function<void()> job) {
  start();
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wanted_.notify_one();
}

void Worker::serve() {
  // The simulator's TCTI writes to a socket whose other end may be gone.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return stopped_ || !jobs_.empty(); });
    if (jobs_.empty()) break;  // what was asked for before the end is still done
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  lock.unlock();
  tpm_.reset();
}

Status Worker::open() {
  if (tpm_ != nullptr) return ok();
  auto opened = Tpm::open(where_);
  if (!opened) {
    note(tl::unexpected(opened.error()));
    return fail(Errc::unavailable, opened.error().what);
  }
  tpm_ = std::move(*opened);
  note(ok());
  return ok();
}

void Worker::close(const std::string& why) {
  tpm_.reset();
  note(fail(Errc::unavailable, why));
}

void Worker::note(const Status& status) {
  const std::lock_guard lock(mutex_);
  if (tpm_ != nullptr) facts_ = tpm_->facts();
  health_.usable = status.has_value();
  health_.detail = status ? "ready" : status.error().what;
  if (status && facts_.in_lockout) {
    health_.detail =
        "ready; in dictionary attack lock-out, which does not concern keys made here (a wrong try is "
        "forgotten every " +
        std::to_string(facts_.lockout_seconds) + " s)";
  }
  health_.module = facts_.description;
}

void Worker::look() {
  {
    const std::lock_guard lock(mutex_);
    if (looking_) return;
    looking_ = true;
  }
  post([this] {
    note(attempt<void>(Repeat::safe, [](Tpm& tpm) { return tpm.refresh_lockout(); }));
    const std::lock_guard lock(mutex_);
    looking_ = false;
  });
}

TpmFacts Worker::facts() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

keystore_engine::Health Worker::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

}  // namespace camvault::keystore_tpm2
