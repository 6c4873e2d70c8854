// What the test of refusals cannot do by itself.
//
//   refusals_tool corpus DIR MASA     writes the corpus: DIR/{servers,clients,registrars}/*.pem, *.key,
//   anchors,
//                                     lists, index; MASA: the maker's service that devices name, https://...
//   refusals_tool ask URL CA.pem      asks URL as the programs ask authorities; what they would be told goes
//   to
//                                     standard error, 65 if the answer is no answer, 69 if there is none
#include <cstdio>
#include <cstring>
#include <exception>

#include "camvault/authority_client/http.h"
#include "camvault/refusals/corpus.h"
#include "camvault/voucher/signed_voucher.h"

namespace {
using namespace camvault;

void write(const std::filesystem::path& file, const std::string& text) {
  const auto done = write_file_atomically(file, as_bytes(text));
  if (!done) throw std::runtime_error(done.error().what);
}

// One line for each case: file name without ending, a tab, what it is called.
void write_corpus(const std::filesystem::path& folder, const refusals::Corpus& corpus) {
  std::filesystem::create_directories(folder);
  std::string index;
  const auto put = [&](const refusals::Case& each, std::size_t number) {
    const auto file = std::to_string(number);
    write(folder / (file + ".pem"), each.chain_pem);
    write(folder / (file + ".key"), each.key_pem);
    index += file + "\t" + each.name + "\n";
  };
  put(corpus.good(), 0);
  for (std::size_t i = 0; i < corpus.bad().size(); ++i) put(corpus.bad()[i], i + 1);
  write(folder / "anchors.pem", corpus.anchors_pem());
  write(folder / "lists.pem", corpus.lists_pem());
  write(folder / "both.pem", corpus.anchors_pem() + corpus.lists_pem());
  write(folder / "index", index);
}

int ask(const char* url, const char* authorities) {
  authority_client::Server server{url, authorities, std::chrono::seconds(5)};
  authority_client::Question question;
  question.content_type = "application/ocsp-request";
  question.expected_type = "application/ocsp-response";
  const auto answer = authority_client::ask(server, question);
  if (answer) return 0;
  std::fprintf(stderr, "%s\n", answer.error().what.c_str());
  return answer.error().code == Errc::unavailable ? 69 : 65;
}
}  // namespace

int main(int argc, char* argv[]) try {
  if (argc == 4 && std::strcmp(argv[1], "ask") == 0) return ask(argv[2], argv[3]);
  if (argc != 4 || std::strcmp(argv[1], "corpus") != 0) return 64;
  const std::filesystem::path folder(argv[2]);
  const SystemClock clock;
  write_corpus(folder / "servers", refusals::Corpus({true, "localhost", {}, clock.now()}));
  const crypto_openssl::PrivateExtension masa{
      {0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x20},  // id-pe-masa-url, RFC 8995 2.3.2
      voucher::encode_masa_url(argv[3]).value()};
  write_corpus(folder / "clients", refusals::Corpus({false, {}, "CAM-000001", clock.now(), {}, {masa}}));
  const std::string usage(voucher::kRegistrarUsage);
  write_corpus(folder / "registrars", refusals::Corpus({true, "localhost", {}, clock.now(), {usage}}));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 70;
}
