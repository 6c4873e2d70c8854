// What one backend has to do: threads of its own, and the requests that wait for it, each for so long and no
// longer. A module that hangs keeps its threads; whoever asked hears that it does not answer, and the other
// lanes go on.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "client_connection.h"
#include "worker_pool.h"

namespace camvault::keystored {

struct LaneSettings {
  std::size_t threads = 1;
  std::chrono::milliseconds deadline{30'000};
};

// The server's loop owns it and makes all calls; only the work itself runs elsewhere.
class Lane {
 public:
  static constexpr int kPatienceWithMaking =
      4;  // times the deadline: RSA keys take a secure element a minute

  explicit Lane(const LaneSettings& settings)
      : settings_(settings), pool_(std::make_unique<WorkerPool>(settings.threads)) {}

  using Ticket = std::uint64_t;
  struct Asked {
    std::uint64_t client = 0;
    std::uint32_t request = 0;
  };
  // Nothing: too much waits already. `work` ends with telling the loop about its ticket.
  std::optional<Ticket> submit(std::uint32_t user, const Asked& asked, bool makes_a_key, SteadyTime now,
                               std::function<void(Ticket)> work);
  // True if the answer of that work is still wanted.
  bool finished(Ticket ticket);

  struct Overdue {
    Asked asked;
    bool begun = false;  // the module has it; else it waited behind others all the time, and will not be done
  };
  std::vector<Overdue> take_overdue(SteadyTime now);

  // All threads wait for a module that is overdue: nothing that is submitted now would begin.
  bool is_stuck() const { return hanging_ >= settings_.threads; }
  // How long the module has kept a call that is overdue.
  std::optional<std::chrono::seconds> silent(SteadyTime now) const;

  // Drops what has not begun. False if the module still keeps a thread after that time: then this object
  // cannot end.
  bool end(std::chrono::milliseconds patience);

 private:
  enum class State : std::uint8_t { waiting, begun, dropped };
  struct Job {
    Asked asked;
    SteadyTime since;
    SteadyTime due;
    std::shared_ptr<std::atomic<State>> state;
    bool overdue = false;  // it was said, and the module has it still
  };

  const LaneSettings settings_;
  std::map<Ticket, Job> jobs_;
  Ticket next_ = 1;
  std::size_t hanging_ = 0;  // jobs that are overdue
  std::unique_ptr<WorkerPool> pool_;
};

}  // namespace camvault::keystored
