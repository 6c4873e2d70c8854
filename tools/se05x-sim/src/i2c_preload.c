/* Preloaded into programs that speak to /dev/i2c-N: their transactions go to the simulator instead, and the
 * programs stay as they are. CAMVAULT_SE05X_SIM names the simulator's Unix socket. For one thread at a time,
 * as I2C is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kMaxTransfer = 1024, kHead = 3 };

static int the_bus = -1;

static ssize_t real_write(int fd, const void* data, size_t size) {
  static ssize_t (*next)(int, const void*, size_t);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "write");
  return next(fd, data, size);
}

static ssize_t real_read(int fd, void* data, size_t size) {
  static ssize_t (*next)(int, void*, size_t);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "read");
  return next(fd, data, size);
}

static int is_i2c(const char* path) {
  return strncmp(path, "/dev/i2c-", 9) == 0;
}

static int connect_simulator(void) {
  const char* path = getenv("CAMVAULT_SE05X_SIM");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path == NULL || strlen(path) >= sizeof address.sun_path) {
    errno = ENOENT;
    return -1;
  }
  memcpy(address.sun_path, path, strlen(path) + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (const struct sockaddr*)&address, sizeof address) != 0) {
    close(fd);
    errno = ENXIO;
    return -1;
  }
  the_bus = fd;
  return fd;
}

static int send_all(const uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t done = real_write(the_bus, data, size);
    if (done <= 0) return -1;
    data += done;
    size -= (size_t)done;
  }
  return 0;
}

static int receive_all(uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t done = real_read(the_bus, data, size);
    if (done <= 0) return -1;
    data += done;
    size -= (size_t)done;
  }
  return 0;
}

static ssize_t transact(uint8_t what, const void* out, void* in, size_t size) {
  uint8_t record[kHead + kMaxTransfer] = {what, (uint8_t)(size >> 8), (uint8_t)size};
  uint8_t refused = 1;
  if (size > kMaxTransfer) {
    errno = EINVAL;
    return -1;
  }
  if (out != NULL) memcpy(record + kHead, out, size);
  if (send_all(record, kHead + (out != NULL ? size : 0)) != 0 || receive_all(&refused, 1) != 0) {
    errno = EIO;
    return -1;
  }
  if (refused != 0) {
    errno = ENXIO; /* not acknowledged */
    return -1;
  }
  if (in != NULL && receive_all(in, size) != 0) {
    errno = EIO;
    return -1;
  }
  return (ssize_t)size;
}

static int open_any(const char* name, const char* path, int flags, mode_t mode) {
  if (is_i2c(path)) return connect_simulator();
  int (*next)(const char*, int, ...) = NULL;
  *(void**)&next = dlsym(RTLD_NEXT, name);
  return next(path, flags, mode);
}

static mode_t mode_of(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_any("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_any("open64", path, flags, mode);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list more;
  va_start(more, request);
  void* argument = va_arg(more, void*);
  va_end(more);
  if (fd >= 0 && fd == the_bus) {
    if (request == I2C_FUNCS) *(unsigned long*)argument = I2C_FUNC_I2C;
    return 0;
  }
  int (*next)(int, unsigned long, ...) = NULL;
  *(void**)&next = dlsym(RTLD_NEXT, "ioctl");
  return next(fd, request, argument);
}

ssize_t write(int fd, const void* data, size_t size) {
  return fd >= 0 && fd == the_bus ? transact('W', data, NULL, size) : real_write(fd, data, size);
}

ssize_t read(int fd, void* data, size_t size) {
  return fd >= 0 && fd == the_bus ? transact('R', NULL, data, size) : real_read(fd, data, size);
}

ssize_t __read_chk(int fd, void* data, size_t size, size_t room) {
  if (size > room) abort();
  return read(fd, data, size);
}

int close(int fd) {
  static int (*next)(int);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "close");
  if (fd >= 0 && fd == the_bus) the_bus = -1;
  return next(fd);
}
