// camvault keystore stub: a file that names a key, for programs that only take files.
#include <cstdio>

#include "camvault/keystore/key_stub.h"
#include "keystore_options.h"
#include "output_file.h"

namespace camvault::cli {

namespace {
struct Stub {
  KeystoreOptions keystore;
  std::string name;
  std::filesystem::path out;
};

Status write_stub(const Stub& stub) {
  CAM_TRY(const auto name, keystore::KeyName::parse(stub.name));
  CAM_TRY(const auto store, connect_keystore(stub.keystore));
  CAM_TRY(const auto info, store->info(name));
  if (!keystore::serves_programs(info.policy.purpose)) {
    return fail(Errc::denied, "programs do not sign with a key of the purpose " +
                                  std::string(to_string(info.policy.purpose)) +
                                  "; they may with tls, device-identity and firmware-signing");
  }
  const auto text = keystore::write_key_stub(name);
  if (!stub.out.empty()) return write_output(stub.out, as_bytes(text));
  std::fputs(text.c_str(), stdout);
  return ok();
}
}  // namespace

void add_keystore_stub(CLI::App& keystore, int& exit_code) {
  auto stub = std::make_shared<Stub>();
  auto* command =
      keystore.add_subcommand("stub", "a file that stands for a key, for programs that only take files");
  add_keystore_options(*command, stub->keystore);
  command->add_option("NAME", stub->name, "the key: application/name")->required();
  command->add_option("-o,--output", stub->out, "where to (default: standard output)")->type_name("FILE");
  command->footer(
      "The file holds the key's name and nothing secret. Programs on OpenSSL 3 read it with the provider\n"
      "camvault.so, and sign by keystored.\n\nExamples:\n"
      "  camvault keystore stub camera/https -o /etc/ssl/camera-https.stub.pem");
  command->callback([stub, &exit_code] { exit_code = finish_keystore(write_stub(*stub)); });
}

}  // namespace camvault::cli
