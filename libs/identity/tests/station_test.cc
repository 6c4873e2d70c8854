// NA-1-1, IP-3-1: the factory's station never sees a camera's private key: not in its memory, not on its
// disk.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "factory_fixture.h"

namespace camvault::identity {
namespace {

using namespace test;

// The number that is the private key, 32 bytes.
std::string scalar_of(const LocalKey& key) {
  return key.private_pem_for_tests().reveal([](BytesView pem) {
    BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* parsed = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    BIGNUM* number = nullptr;
    EVP_PKEY_get_bn_param(parsed, OSSL_PKEY_PARAM_PRIV_KEY, &number);
    std::string out(32, '\0');
    BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), 32);
    BN_clear_free(number);
    EVP_PKEY_free(parsed);
    BIO_free(in);
    return out;
  });
}

// How often bytes are in what a process can read.
int times_in_memory(pid_t process, std::string_view bytes) {
  const auto folder = "/proc/" + std::to_string(process);
  const UniqueFd memory(::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!memory.valid()) return -1;
  std::ifstream maps(folder + "/maps");
  int found = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    char right = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx %c", &begin, &end, &right) != 3 || right != 'r') continue;
    std::string content(end - begin, '\0');
    const auto got = ::pread(memory.get(), content.data(), content.size(), static_cast<off_t>(begin));
    content.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    for (std::size_t at = 0; (at = content.find(bytes, at)) != std::string::npos; ++at) ++found;
  }
  return found;
}

void send(int fd, BytesView bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  ASSERT_EQ(::write(fd, &size, sizeof size), static_cast<ssize_t>(sizeof size));
  ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}
Bytes receive(int fd) {
  std::uint32_t size = 0;
  if (::read(fd, &size, sizeof size) != static_cast<ssize_t>(sizeof size)) return {};
  Bytes out(size);
  for (std::size_t have = 0; have < size;) {
    const auto got = ::read(fd, out.data() + have, size - have);
    if (got <= 0) return {};
    have += static_cast<std::size_t>(got);
  }
  return out;
}

TEST(Station, NeverSeesAPrivateKey) {
  Site site;
  site.factory.reset();
  int to_station[2];
  int to_camera[2];
  ASSERT_EQ(::pipe(to_station), 0);
  ASSERT_EQ(::pipe(to_camera), 0);
  // The station is there before the camera's keys are.
  const auto station = ::fork();
  ASSERT_GE(station, 0);
  if (station == 0) {
    auto factory = Factory::open(site.path(), site.clock, *site.engine);
    ProvisionRequest request{"S1", receive(to_station[0]), receive(to_station[0]), {}};
    auto made = factory->provision(*site.ca_key, request);
    if (!made) ::_exit(1);
    send(to_camera[1], made->identity.der);
    ::pause();  // looked at while everything is still in place
    ::_exit(0);
  }
  const auto camera = Camera::make();
  const auto request = camera.request("S1");
  send(to_station[1], request.identity_request);
  send(to_station[1], request.media_signing_request);
  const auto certificate = receive(to_camera[0]);
  ASSERT_FALSE(certificate.empty());
  const auto point = [](const LocalKey& key) {
    const auto spki = key.spki_der();
    return std::string(as_text(spki)).substr(spki.size() - 64);
  };
  const int public_halves = times_in_memory(station, point(*camera.identity));
  int private_halves = 0;
  for (const auto* key : {camera.identity.get(), camera.media_signing.get()}) {
    const auto scalar = scalar_of(*key);
    EXPECT_GT(times_in_memory(::getpid(), scalar), 0);  // the search finds what is there
    for (const auto& form : {scalar, std::string(scalar.rbegin(), scalar.rend()), to_hex(as_bytes(scalar))})
      private_halves += std::max(times_in_memory(station, form), 0);
    for (const auto& file : std::filesystem::recursive_directory_iterator(site.path())) {
      if (!file.is_regular_file()) continue;
      const auto content = read_file(file.path(), 1 << 20).value();
      EXPECT_EQ(as_text(content).find(scalar), std::string_view::npos) << file.path();
      EXPECT_EQ(as_text(content).find("PRIVATE KEY"), std::string_view::npos) << file.path();
    }
  }
  ::kill(station, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(station, &status, 0), station);
  for (const int fd : {to_station[0], to_station[1], to_camera[0], to_camera[1]}) ::close(fd);
  if (public_halves < 0) GTEST_SKIP() << "this user may not read the memory of its own child here";
  EXPECT_GT(public_halves, 0);
  EXPECT_EQ(private_halves, 0);
}

}  // namespace
}  // namespace camvault::identity
