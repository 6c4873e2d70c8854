#include "https.h"

#include <algorithm>
#include <utility>

#include "camvault/http/message.h"
#include "pause.h"

namespace camvault::cloud {

namespace {
constexpr std::chrono::seconds kPatience{20};       // for a connection, and for an answer
constexpr std::chrono::seconds kLongestWish{3600};  // Retry-After beyond this is a mistake
constexpr std::size_t kMaxUnclear = 16;

class HttpsPublisher final : public Publisher {
 public:
  HttpsPublisher(const Profile& profile, Device device, const tls::Context& context, Queue& queue)
      : profile_(profile), device_(std::move(device)), context_(context), queue_(queue) {}

  Status run(const std::function<bool(const Progress&)>& done) override {
    while (!done(progress_)) {
      CAM_TRY(const auto next, queue_.next_after(passed_));
      if (next) {
        CAM_TRY_STATUS(deliver(*next));
      } else if (!unclear_.empty()) {
        // Nothing was taken since: it may be us.
        hold(Errc::denied, unclear_.front().why);
      }
      if (away_) {
        wait_unless(done, progress_, *std::exchange(away_, std::nullopt));
      } else if (!next) {
        wait_unless(done, progress_, kStep);
      }
    }
    leave();
    return ok();
  }

 private:
  struct Open {
    std::unique_ptr<tls::Connection> connection;
    http::Reader reader;
    bool served = false;

    explicit Open(std::unique_ptr<tls::Connection> c) : connection(std::move(c)), reader(*connection) {}
  };
  struct Unclear {
    std::uint64_t number = 0;
    std::string why;
  };

  Result<http::Request> request_for(const Queue::Waiting& waiting) const {
    http::Request out;
    out.method = profile_.method;
    CAM_TRY(out.target, target(profile_, device_, waiting.message.topic, waiting.id));
    out.headers.add("Host", http::Url{true, profile_.host, std::to_string(profile_.port), "/"}.authority());
    out.headers.add("Content-Type", profile_.content_type);
    // The same each time: a server can tell a second delivery from a second message (draft-ietf-httpapi-
    // idempotency-key-header 2.1: a quoted string).
    out.headers.add("Idempotency-Key", '"' + waiting.id + '"');
    out.body = waiting.message.payload;
    return out;
  }

  Status connect() {
    CAM_TRY(auto connection,
            context_.connect(profile_.host, std::to_string(profile_.port), net::within(kPatience)));
    open_.emplace(std::move(connection));
    return ok();
  }

  Result<http::Response> exchange(const http::Request& request) {
    for (;;) {
      if (!open_) CAM_TRY_STATUS(connect());
      const auto deadline = net::within(kPatience);
      const auto sent = http::write_request(*open_->connection, request, deadline);
      auto answer = sent ? open_->reader.response({}, deadline) : tl::unexpected(sent.error());
      if (answer) {
        open_->served = true;
        if (answer->headers.get("Connection") == "close") open_.reset();
        return answer;
      }
      // A server may end a connection between two messages; that is no reason to wait.
      const bool again = open_->served;
      open_.reset();
      if (!again) return answer;
    }
  }

  Status deliver(const Queue::Waiting& waiting) {
    CAM_TRY(const auto request, request_for(waiting));
    const auto answer = exchange(request);
    if (!answer) {
      on_silence(answer.error());
      return ok();
    }
    const auto why = "the server answers with status " + std::to_string(answer->status);
    passed_ = waiting.number;
    switch (judge(answer->status)) {
      case Answer::taken:
        return on_taken(waiting.number);
      case Answer::unfit:
        return set_aside(waiting.number, why);
      case Answer::unclear:
        unclear_.push_back({waiting.number, why});
        if (unclear_.size() == kMaxUnclear) hold(Errc::denied, why);
        return ok();
      case Answer::later:
        hold(std::nullopt, why, http::retry_after(*answer));
        return ok();
      case Answer::refused:
        hold(Errc::denied, why, http::retry_after(*answer));
        return ok();
    }
    return fail(Errc::internal, "an answer that nobody knows");
  }

  Status on_taken(std::uint64_t number) {
    progress_.connected = true;
    progress_.verdict.reset();
    progress_.trouble.clear();
    pause_.reset();
    CAM_TRY_STATUS(queue_.remove(number));
    ++progress_.delivered;
    // The server takes our messages: those that it did not like are to blame themselves.
    for (const auto& each : std::exchange(unclear_, {})) CAM_TRY_STATUS(set_aside(each.number, each.why));
    return ok();
  }

  Status set_aside(std::uint64_t number, const std::string& why) {
    CAM_TRY_STATUS(queue_.refuse(number));
    progress_.refused.push_back("message " + std::to_string(number) + ": " + why);
    return ok();
  }

  void on_silence(const Error& error) {
    const auto reason = context_.last_refusal();
    if (error.code == Errc::invalid && !reason.empty())
      hold(Errc::invalid, "the server is not believed: " + reason);
    else if (error.code == Errc::invalid)
      hold(Errc::denied, "the server does not accept our certificate or suites: " + error.what);
    else
      hold(std::nullopt, error.what);
  }

  // Everything stays in the queue, and is tried again from its beginning.
  void hold(std::optional<Errc> verdict, std::string why, std::optional<std::chrono::seconds> wish = {}) {
    leave();
    progress_.verdict = verdict;
    progress_.trouble = std::move(why);
    away_ =
        std::max(pause_.next(),
                 std::chrono::milliseconds(std::min(wish.value_or(std::chrono::seconds(0)), kLongestWish)));
  }

  void leave() {
    open_.reset();
    unclear_.clear();
    passed_ = 0;
    progress_.connected = false;
  }

  const Profile profile_;
  const Device device_;
  const tls::Context& context_;
  Queue& queue_;
  Progress progress_;
  std::optional<Open> open_;
  std::uint64_t passed_ = 0;      // number of the last message that was dealt with
  std::vector<Unclear> unclear_;  // passed, and still in the queue
  std::optional<std::chrono::milliseconds> away_;
  Pause pause_;
};
}  // namespace

Answer judge(int status) {
  if (status >= 200 && status < 300) return Answer::taken;
  switch (status) {
    case 400:  // bad request; nginx's answer to a client certificate that it does not take
      return Answer::unclear;
    case 413:  // content too large
    case 415:  // unsupported media type
    case 422:  // unprocessable content
      return Answer::unfit;
    case 408:  // request timeout
    case 409:  // conflict: the same message is being worked on
    case 421:  // misdirected request: another connection
    case 423:  // locked (RFC 4918)
    case 425:  // too early (RFC 8470)
    case 429:  // too many requests (RFC 6585)
      return Answer::later;
    default:
      return status >= 500 && status != 501 && status != 505 ? Answer::later : Answer::refused;
  }
}

Result<std::unique_ptr<Publisher>> make_https_publisher(const Profile& profile, const Device& device,
                                                        const tls::Context& context, Queue& queue) {
  // What the certificate cannot fill in is known before anything is sent.
  CAM_TRY_STATUS(destination(profile, device, "t"));
  return std::unique_ptr<Publisher>(std::make_unique<HttpsPublisher>(profile, device, context, queue));
}

}  // namespace camvault::cloud
