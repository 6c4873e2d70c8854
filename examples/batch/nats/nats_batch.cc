// Work that survives its workers, by a JetStream work queue (NATS 2.9, libnats 3.4).
//
//   nats_batch submit NAME [OPTIONS] < LINES             one message for each line
//   nats_batch work NAME [OPTIONS] -- COMMAND [WORD...]   runs COMMAND WORD... LINE for each message
//
//   --server URL      nats://127.0.0.1:4222; more than one with commas between them
//   --creds FILE      whose credentials the server asks for
//   --ack-wait SEC    30: a worker that is silent for so long is lost, and its message goes to another one
//   --tries N         10: a line that so many workers failed at, or died of, is left without a result
//   --until-done      work: end when the queue has nothing left that anybody may still finish
//
// A message leaves the queue when COMMAND has ended with 0, so COMMAND is run at least once: it has to know
// what it did before. Exit codes: 0, 64 wrong usage (also when COMMAND says so), 69 no server.
#include <nats/nats.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // which the header of glibc 2.36 forgets
#include <sys/pidfd.h>
}

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr int kUsage = 64;
constexpr int kNoService = 69;
constexpr std::int64_t kSecond = 1'000'000'000;  // the configuration counts in nanoseconds
constexpr std::int64_t kPauseMs = 1000;          // before a line that failed is tried again
constexpr int kMaxSeconds = 24 * 3600;
constexpr int kMaxTries = 1000;

struct Stop : std::runtime_error {
  Stop(int code_, const std::string& what) : std::runtime_error(what), code(code_) {}
  int code;
};

template <auto destroy>
struct Destroy {
  void operator()(auto* thing) const { destroy(thing); }
};
template <class T, auto destroy>
using Handle = std::unique_ptr<T, Destroy<destroy>>;
using Options = Handle<natsOptions, natsOptions_Destroy>;
using Connection = Handle<natsConnection, natsConnection_Destroy>;
using JetStream = Handle<jsCtx, jsCtx_Destroy>;
using Subscription = Handle<natsSubscription, natsSubscription_Destroy>;
using Message = Handle<natsMsg, natsMsg_Destroy>;
using StreamInfo = Handle<jsStreamInfo, jsStreamInfo_Destroy>;
using ConsumerInfo = Handle<jsConsumerInfo, jsConsumerInfo_Destroy>;
using PubAck = Handle<jsPubAck, jsPubAck_Destroy>;
using MetaData = Handle<jsMsgMetaData, jsMsgMetaData_Destroy>;

void need(natsStatus status, const char* what) {
  if (status != NATS_OK) throw Stop(kNoService, std::string(what) + ": " + natsStatus_GetText(status));
}

struct Request {
  bool submit = false;
  std::string name;
  std::string server = "nats://127.0.0.1:4222";
  std::string creds;
  int ack_wait = 30;
  int tries = 10;
  bool until_done = false;
  std::vector<std::string> command;
  std::string subject() const { return "camvault.batch." + name; }
};

int number(std::string_view text, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most)
    throw Stop(kUsage, "not a number from 1 to " + std::to_string(most) + ": " + std::string(text));
  return value;
}

Request read_arguments(const std::vector<std::string>& words) {
  Request request;
  const auto divider = std::find(words.begin(), words.end(), "--");
  if (divider != words.end()) request.command.assign(divider + 1, words.end());
  const std::vector<std::string> own(words.begin(), divider);
  if (own.size() < 2 || (own[0] != "submit" && own[0] != "work"))
    throw Stop(kUsage, "usage: nats_batch submit|work NAME [OPTIONS] [-- COMMAND]");
  request.submit = own[0] == "submit";
  request.name = own[1];
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (request.name.empty() || request.name.front() == '-' || request.name.size() > 64 ||
      !std::all_of(request.name.begin(), request.name.end(), is_plain))
    throw Stop(kUsage, "NAME is made of letters, digits, - and _");
  for (std::size_t i = 2; i < own.size(); ++i) {
    if (own[i] == "--until-done") {
      request.until_done = true;
      continue;
    }
    if (i + 1 == own.size()) throw Stop(kUsage, own[i] + " needs a value, or is no option");
    const auto& value = own[i + 1];
    if (own[i] == "--server") {
      request.server = value;
    } else if (own[i] == "--creds") {
      request.creds = value;
    } else if (own[i] == "--ack-wait") {
      request.ack_wait = number(value, kMaxSeconds);
    } else if (own[i] == "--tries") {
      request.tries = number(value, kMaxTries);
    } else {
      throw Stop(kUsage, "no such option: " + own[i]);
    }
    ++i;
  }
  if (request.submit != request.command.empty())
    throw Stop(kUsage, "work needs a command, submit takes none");
  return request;
}

Connection connect(const Request& request) {
  natsOptions* raw_options = nullptr;
  need(natsOptions_Create(&raw_options), "options");
  const Options options(raw_options);
  std::vector<std::string> servers;
  for (std::size_t begin = 0; begin <= request.server.size();) {
    const auto end = std::min(request.server.find(',', begin), request.server.size());
    servers.push_back(request.server.substr(begin, end - begin));
    begin = end + 1;
  }
  std::vector<const char*> names;
  names.reserve(servers.size());
  for (const auto& server : servers) names.push_back(server.c_str());
  need(natsOptions_SetServers(options.get(), names.data(), static_cast<int>(names.size())), "--server");
  if (!request.creds.empty())
    need(natsOptions_SetUserCredentialsFromFiles(options.get(), request.creds.c_str(), nullptr), "--creds");
  // A server that is away is waited for: what was written is not lost, what was not is done again.
  need(natsOptions_SetMaxReconnect(options.get(), -1), "options");
  need(natsOptions_SetReconnectWait(options.get(), 500), "options");
  natsConnection* connection = nullptr;
  need(natsConnection_Connect(&connection, options.get()), request.server.c_str());
  return Connection(connection);
}

// The queue is on the server's disk, and each line is in it until somebody has finished it.
void make_queue(jsCtx* js, const Request& request) {
  const auto subject = request.subject();
  const char* subjects[] = {subject.c_str()};
  jsStreamConfig config;
  need(jsStreamConfig_Init(&config), "stream");
  config.Name = request.name.c_str();
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Retention = js_WorkQueuePolicy;
  config.Storage = js_FileStorage;
  jsStreamInfo* info = nullptr;
  need(js_AddStream(&info, js, &config, nullptr, nullptr), "the stream of this name (is JetStream on?)");
  const StreamInfo owned(info);
}

int submit(jsCtx* js, const Request& request) {
  make_queue(js, request);
  std::size_t count = 0;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty() || line.find('\0') != std::string::npos)
      throw Stop(kUsage, "lines are neither empty nor binary");
    jsPubAck* ack = nullptr;
    need(js_Publish(&ack, js, request.subject().c_str(), line.data(), static_cast<int>(line.size()), nullptr,
                    nullptr),
         "publishing");
    const PubAck owned(ack);
    ++count;
  }
  std::printf("%zu lines\n", count);
  return 0;
}

// Runs until COMMAND ends; the server is told all the while that somebody is at it. A wait status.
int run(std::vector<std::string> command, std::chrono::milliseconds tell_every,
        const std::function<void()>& tell) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (auto& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  pid_t pid = 0;
  if (const int error = posix_spawnp(&pid, words.front(), nullptr, nullptr, words.data(), environ);
      error != 0)
    throw Stop(kUsage, command.front() + ": " + std::strerror(error));
  const int handle = pidfd_open(pid, 0);
  pollfd wait = {handle, POLLIN, 0};
  while (handle >= 0 && poll(&wait, 1, static_cast<int>(tell_every.count())) != 1) tell();
  if (handle >= 0) close(handle);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

Message next(natsConnection* connection, natsSubscription* subscription) {
  natsMsgList list = {};
  // One at a time: what a lost worker has fetched and not begun would wait for nothing.
  const auto status = natsSubscription_Fetch(&list, subscription, 1, 1000, nullptr);
  if (natsConnection_IsClosed(connection)) throw Stop(kNoService, "the server wants us no more");
  if (status != NATS_OK) {
    if (status != NATS_TIMEOUT) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return {};
  }
  Message message(list.Count == 1 ? list.Msgs[0] : nullptr);
  if (message) list.Msgs[0] = nullptr;
  natsMsgList_Destroy(&list);
  return message;
}

bool is_done(jsCtx* js, const Request& request) {
  jsConsumerInfo* info = nullptr;
  if (js_GetConsumerInfo(&info, js, request.name.c_str(), "workers", nullptr, nullptr) != NATS_OK)
    return false;
  const ConsumerInfo owned(info);
  return info->NumPending == 0 && info->NumAckPending == 0;
}

int work(natsConnection* connection, jsCtx* js, const Request& request) {
  make_queue(js, request);
  jsSubOptions options;
  need(jsSubOptions_Init(&options), "options");
  options.Stream = request.name.c_str();
  options.Config.AckPolicy = js_AckExplicit;
  options.Config.AckWait = request.ack_wait * kSecond;
  natsSubscription* raw = nullptr;
  need(js_PullSubscribe(&raw, js, request.subject().c_str(), "workers", nullptr, &options, nullptr),
       "the consumer");
  const Subscription subscription(raw);
  const std::chrono::milliseconds tell_every(request.ack_wait * 1000 / 3);
  for (;;) {
    const auto message = next(connection, subscription.get());
    if (!message) {
      if (request.until_done && is_done(js, request)) return 0;
      continue;
    }
    const std::string line(natsMsg_GetData(message.get()),
                           static_cast<std::size_t>(natsMsg_GetDataLength(message.get())));
    jsMsgMetaData* raw_meta = nullptr;
    need(natsMsg_GetMetaData(&raw_meta, message.get()), "a message's number of deliveries");
    const MetaData meta(raw_meta);
    if (meta->NumDelivered > static_cast<std::uint64_t>(request.tries)) {
      std::fprintf(stderr, "nats_batch: given up after %d tries: %s\n", request.tries, line.c_str());
      natsMsg_Term(message.get(), nullptr);
      continue;
    }
    auto command = request.command;
    command.push_back(line);
    const int status = run(command, tell_every, [&] { natsMsg_InProgress(message.get(), nullptr); });
    if (WIFEXITED(status) && WEXITSTATUS(status) == kUsage)
      throw Stop(kUsage, "the command refuses its words");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      // Should this not arrive the line comes again, and COMMAND knows that it is done.
      natsMsg_AckSync(message.get(), nullptr, nullptr);
    } else {
      natsMsg_NakWithDelay(message.get(), kPauseMs, nullptr);
    }
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const auto request = read_arguments({argv + 1, argv + argc});
  const auto connection = connect(request);
  jsCtx* js = nullptr;
  need(natsConnection_JetStream(&js, connection.get(), nullptr), "JetStream");
  const JetStream owned(js);
  return request.submit ? submit(js, request) : work(connection.get(), js, request);
} catch (const Stop& stop) {
  std::fprintf(stderr, "nats_batch: %s\n", stop.what());
  return stop.code;
} catch (const std::exception& error) {
  std::fprintf(stderr, "nats_batch: %s\n", error.what());
  return 70;
}
