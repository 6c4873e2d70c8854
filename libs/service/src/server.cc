#include "camvault/service/server.h"

#include <semaphore>
#include <thread>

#include "camvault/base/log.h"

namespace camvault::service {

using namespace std::chrono_literals;

namespace {
struct Shared {
  Service& service;
  std::string name;
  ServerLimits limits;
};

int status_of(const Error& error) {
  return error.code == Errc::limit ? 413 : 400;
}

void serve_connection(const Shared& shared, UniqueFd socket) {
  const auto context = shared.service.context();
  if (!context) return log(LogLevel::error, shared.name + ": " + context.error().what);
  auto accepted = (*context)->accept(std::move(socket), net::within(shared.limits.handshake));
  if (!accepted) {
    if (accepted.error().code == Errc::invalid)
      log(LogLevel::info, shared.name + ": refused: " + accepted.error().what);
    return;
  }
  auto& connection = **accepted;
  http::Reader reader(connection);
  for (unsigned count = 0; count < shared.limits.requests; ++count) {
    http::Limits limits;
    limits.body = shared.limits.body;
    // The first one has its time from the handshake on; later ones may let us wait a little.
    const auto patience = count == 0 ? shared.limits.request : shared.limits.idle;
    const auto request = reader.request(limits, net::within(patience));
    const bool readable = request.has_value();
    if (!readable && request.error().code != Errc::malformed && request.error().code != Errc::limit) break;
    http::Response response;
    if (readable) {
      response = shared.service.answer(*request, connection);
    } else {
      response.status = status_of(request.error());
    }
    const bool last = !readable || !request->keeps_alive() || count + 1 == shared.limits.requests;
    if (last) response.headers.add("Connection", "close");
    if (!http::write_response(connection, response, net::within(shared.limits.request)) || last) break;
  }
  connection.close(net::within(200ms));
}
}  // namespace

Status serve(net::Listener& listener, Service& service, const std::string& name, const ServerLimits& limits,
             const volatile std::sig_atomic_t* stop) {
  const Shared shared{service, name, limits};
  std::counting_semaphore<> room(limits.connections);
  while (*stop == 0) {
    if (!room.try_acquire_for(200ms)) continue;
    auto socket = listener.accept(net::within(200ms));
    if (!socket) {
      room.release();
      if (socket.error().code == Errc::limit) std::this_thread::sleep_for(100ms);
      continue;
    }
    std::thread([&shared, &room, taken = std::move(*socket)]() mutable {
      serve_connection(shared, std::move(taken));
      room.release();
    }).detach();
  }
  // Whoever is being served is served: all room comes back.
  for (unsigned i = 0; i < limits.connections; ++i) {
    if (!room.try_acquire_for(shared.limits.handshake + shared.limits.request))
      return fail(Errc::unavailable, "a connection does not end");
  }
  return ok();
}

}  // namespace camvault::service
