#include "socket_bio.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace camvault::tls {

namespace {
int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool try_again() {
  return errno == EAGAIN || errno == EINTR;
}

int read_some(BIO* bio, char* into, std::size_t room, std::size_t* count) {
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(fd_of(bio), into, room, 0);
  *count = got > 0 ? static_cast<std::size_t>(got) : 0;
  if (got < 0 && try_again()) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return got > 0 ? 1 : 0;
}

int write_some(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(fd_of(bio), from, size, MSG_NOSIGNAL);
  *count = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (sent < 0 && try_again()) BIO_set_retry_write(bio);
  return sent > 0 ? 1 : 0;
}

long control(BIO* bio, int command, long argument, void* pointer) {
  static_cast<void>(argument);
  static_cast<void>(pointer);
  if (command == BIO_CTRL_FLUSH) return 1;
  return command == BIO_CTRL_EOF ? static_cast<long>(BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0) : 0;
}

BIO_METHOD* make_method() {
  auto* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "camvault socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read_ex(method, read_some);
  BIO_meth_set_write_ex(method, write_some);
  BIO_meth_set_ctrl(method, control);
  return method;
}
}  // namespace

BIO* make_socket_bio(int fd) {
  static BIO_METHOD* const method = make_method();  // for ever, as OpenSSL's own
  auto* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace camvault::tls
