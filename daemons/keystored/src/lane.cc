#include "lane.h"

namespace camvault::keystored {

std::optional<Lane::Ticket> Lane::submit(std::uint32_t user, const Asked& asked, bool makes_a_key,
                                         SteadyTime now, std::function<void(Ticket)> work) {
  const auto ticket = next_++;
  auto state = std::make_shared<std::atomic<State>>(State::waiting);
  auto job = [state, ticket, work = std::move(work)] {
    auto expected = State::waiting;
    if (state->compare_exchange_strong(expected, State::begun)) work(ticket);
  };
  if (!pool_->submit(user, std::move(job))) return std::nullopt;
  const auto time = settings_.deadline * (makes_a_key ? kPatienceWithMaking : 1);
  jobs_.emplace(ticket, Job{asked, now, now + time, std::move(state)});
  return ticket;
}

bool Lane::finished(Ticket ticket) {
  const auto found = jobs_.find(ticket);
  if (found == jobs_.end()) return false;
  const bool wanted = !found->second.overdue;
  if (!wanted) --hanging_;
  jobs_.erase(found);
  return wanted;
}

std::vector<Lane::Overdue> Lane::take_overdue(SteadyTime now) {
  std::vector<Overdue> out;
  for (auto next = jobs_.begin(); next != jobs_.end();) {
    const auto job = next++;
    if (job->second.overdue || now < job->second.due) continue;
    auto expected = State::waiting;
    const bool dropped = job->second.state->compare_exchange_strong(expected, State::dropped);
    out.push_back({job->second.asked, !dropped});
    if (dropped) {
      jobs_.erase(job);
    } else {
      job->second.overdue = true;
      ++hanging_;
    }
  }
  return out;
}

std::optional<std::chrono::seconds> Lane::silent(SteadyTime now) const {
  if (hanging_ == 0) return std::nullopt;
  for (const auto& [ticket, job] : jobs_) {
    if (job.overdue) return std::chrono::duration_cast<std::chrono::seconds>(now - job.since);
  }
  return std::nullopt;
}

bool Lane::end(std::chrono::milliseconds patience) {
  return pool_->stop(patience);
}

}  // namespace camvault::keystored
