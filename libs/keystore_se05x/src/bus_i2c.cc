// The kernel's /dev/i2c-N: every write() and read() is one transaction.
#include "bus_i2c.h"

#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "camvault/base/file.h"

namespace camvault::keystore_se05x {

namespace {
class I2cBus final : public Bus {
 public:
  explicit I2cBus(UniqueFd fd) : fd_(std::move(fd)) {}

  Status write(BytesView frame) override {
    return judge(::write(fd_.get(), frame.data(), frame.size()), frame.size());
  }
  Status read(std::span<std::uint8_t> out) override {
    return judge(::read(fd_.get(), out.data(), out.size()), out.size());
  }
  bool is_simulator() const override { return false; }

 private:
  // Drivers name a missing acknowledgement ENXIO or EREMOTEIO, some EIO (Documentation/i2c/fault-codes.rst).
  static Status judge(ssize_t done, std::size_t wanted) {
    if (done >= 0 && static_cast<std::size_t>(done) == wanted) return ok();
    if (done >= 0) return fail(Errc::io, "I2C: transaction cut short");
    const int error = errno;
    if (error == ENXIO || error == EREMOTEIO || error == EIO || error == EAGAIN || error == ETIMEDOUT)
      return fail(Errc::unavailable, "I2C: not acknowledged");
    return fail(Errc::io, "I2C: " + errno_text(error));
  }

  UniqueFd fd_;
};
}  // namespace

Result<std::unique_ptr<Bus>> open_i2c_bus(std::string_view device, unsigned address) {
  const std::string path(device);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) {
    const int error = errno;
    return fail(error == ENOENT   ? Errc::not_found
                : error == EACCES ? Errc::denied
                                  : Errc::io,
                path + ": " + errno_text(error));
  }
  unsigned long functions = 0;
  if (::ioctl(fd.get(), I2C_FUNCS, &functions) != 0 || (functions & I2C_FUNC_I2C) == 0)
    return fail(Errc::unsupported, path + " is no I2C adapter that takes plain transactions");
  if (::ioctl(fd.get(), I2C_SLAVE, static_cast<unsigned long>(address)) != 0)
    return fail(Errc::io, path + ": " + errno_text(errno));
  return std::make_unique<I2cBus>(std::move(fd));
}

}  // namespace camvault::keystore_se05x
