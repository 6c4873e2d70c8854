// Keys in an NXP SE05x secure element on the camera's I2C bus, or in its simulator. One element, one backend.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "camvault/keystore_engine/backend.h"

namespace camvault::keystore_se05x {

struct Se05xConfig {
  std::string name = "se05x";
  std::string bus;  // see open_bus: "/dev/i2c-1", "sim:unix:PATH"
  // The channel's keys (key_file.h), a file that only keystored can read. Empty: no secure channel; then no
  // key is put in and no symmetric key is made, since it would cross the bus in clear.
  std::filesystem::path scp03_keys = {};
  std::filesystem::path journal = {};  // what is being made right now; a file that keystored may replace
  // A session of the applet, so that whoever else reaches the bus cannot use the keys. The object must exist;
  // the file holds its AES key as a line "AES <hex>".
  std::string login_object = {};  // its number: eight hexadecimal digits
  std::filesystem::path login_key = {};
};

// Looks at the words only, not at files. Errc::usage.
Status check_config(const Se05xConfig& config);

// Reads the files; does not talk to the element yet. Errors: those of read_key_file, and Errc::usage.
Result<std::shared_ptr<keystore_engine::Backend>> make_se05x_backend(const Se05xConfig& config);

}  // namespace camvault::keystore_se05x
