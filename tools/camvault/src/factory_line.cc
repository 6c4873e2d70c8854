// camvault factory order, batch and audit: a line that works by itself, and who looks at what it did.
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "camvault/crypto_openssl/engine.h"
#include "camvault/identity/audit.h"
#include "camvault/identity/batch.h"
#include "camvault/report/text.h"
#include "commands.h"
#include "exit_code.h"
#include "factory_station.h"
#include "output_file.h"
#include "trust_options.h"

namespace camvault::cli {

namespace {
using Json = nlohmann::ordered_json;
constexpr std::size_t kMaxSignature = 256 * 1024;
constexpr std::size_t kShownRefusals = 20;

struct Line {
  std::filesystem::path root = "/";
  std::filesystem::path keystore;
  std::filesystem::path order_file;
  std::filesystem::path signature;
  std::string order;
  std::filesystem::path requests;
  std::filesystem::path refusals;
  std::filesystem::path trust;
  std::filesystem::path seen;
  bool no_files = false;
  bool json = false;
};

void print(const Json& out) {
  std::printf("%s\n", out.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

Status take_order(const Line& options) {
  CAM_TRY(const auto opened, open_factory_below(options.root));
  CAM_TRY(const auto text, read_file(options.order_file, identity::kMaxOrderFile));
  Bytes signature;
  if (!options.signature.empty()) {
    CAM_TRY(signature, read_file(options.signature, kMaxSignature));
  }
  CAM_TRY(const auto id, opened->factory->take_order(as_text(text), signature));
  CAM_TRY_STATUS(checkpoint_if_possible(*opened, options.root, options.keystore));
  std::printf("  order %s is taken in\n", id.c_str());
  return ok();
}

Status list_orders(const Line& options) {
  CAM_TRY(const auto opened, open_factory_below(options.root));
  CAM_TRY(const auto orders, opened->factory->orders());
  auto list = Json::array();
  for (const auto& order : orders) {
    Json each{{"order", order.id}, {"count", order.count}, {"issued", order.issued}};
    if (order.not_after) each["not_after"] = to_iso8601(*order.not_after);
    list.push_back(each);
    if (!options.json)
      std::printf("%-32s %8llu of %8llu issued%s\n", order.id.c_str(),
                  static_cast<unsigned long long>(order.issued), static_cast<unsigned long long>(order.count),
                  order.not_after ? (", until " + to_iso8601(*order.not_after)).c_str() : "");
  }
  if (options.json) print(list);
  return ok();
}

// Ctrl-C and a service manager's word: the group under way is finished, the rest is for the next run.
volatile std::sig_atomic_t g_stop = 0;
void on_signal(int) {
  g_stop = 1;
}

// One line, renewed in place on a terminal.
class Progress {
 public:
  void show(const identity::BatchProgress& progress, bool last = false) {
    const auto now = std::chrono::steady_clock::now();
    if (!last && now - shown_ < std::chrono::seconds(1)) return;
    shown_ = now;
    if (isatty(STDERR_FILENO) == 0) return;
    const auto seconds = std::chrono::duration<double>(now - begin_).count();
    const double rate = seconds > 0 ? static_cast<double>(progress.issued) / seconds : 0;
    const auto left = progress.ordered > progress.done() ? progress.ordered - progress.done() : 0;
    std::fprintf(stderr, "\r  %llu of %llu, %llu refused, %.0f a second, %.0f s left   ",
                 static_cast<unsigned long long>(progress.issued + progress.before),
                 static_cast<unsigned long long>(progress.ordered),
                 static_cast<unsigned long long>(progress.refused), rate,
                 rate > 0 ? static_cast<double>(left) / rate : 0.0);
    if (last) std::fputc('\n', stderr);
  }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_{};
};

Status print_batch(const Line& options, const identity::BatchResult& result, double seconds) {
  const auto& p = result.progress;
  if (options.json) {
    print({{"batch", result.batch},
           {"order", options.order},
           {"finished", result.finished},
           {"ordered", p.ordered},
           {"issued", p.issued},
           {"issued_before", p.before},
           {"refused", p.refused},
           {"refusals", result.refusals},
           {"seconds", seconds}});
    return ok();
  }
  std::printf("  batch %u of order %s: %llu issued, %llu before, %llu refused, %llu ordered, in %.1f s\n",
              result.batch, options.order.c_str(), static_cast<unsigned long long>(p.issued),
              static_cast<unsigned long long>(p.before), static_cast<unsigned long long>(p.refused),
              static_cast<unsigned long long>(p.ordered), seconds);
  for (const auto& [name, count] : result.refusals)
    std::printf("    %-24s %llu\n", name.c_str(), static_cast<unsigned long long>(count));
  if (!result.finished) std::printf("  stopped; the same command goes on\n");
  return ok();
}

Result<int> batch(const Line& options) {
  CAM_TRY(const auto store, connect_below(options.root, options.keystore));
  CAM_TRY(const auto opened, open_factory_below(options.root));
  auto& factory = *opened->factory;
  CAM_TRY(const auto key, issuing_key(*store, factory));
  CAM_TRY(const auto log_key, log_key_of(*store, factory));
  CAM_TRY(auto requests, identity::RequestStream::of(options.requests));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> refusals(
      options.refusals.empty() ? nullptr : std::fopen(options.refusals.c_str(), "ae"), std::fclose);
  if (!options.refusals.empty() && refusals == nullptr)
    return fail(Errc::io, options.refusals.string() + ": " + errno_text(errno));
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  Progress progress;
  std::size_t shown = 0;
  identity::BatchOptions how;
  how.order = options.order;
  how.on_progress = [&](const identity::BatchProgress& at) { progress.show(at); };
  how.on_refusal = [&](const identity::BatchRefusal& refusal) {
    if (refusals != nullptr) {
      const Json line{{"serial", refusal.serial}, {"refused", refusal.name}, {"why", refusal.what}};
      std::fprintf(refusals.get(), "%s\n", line.dump(-1, ' ', true, Json::error_handler_t::replace).c_str());
    } else if (++shown <= kShownRefusals) {
      std::fprintf(stderr, "camvault: %s refused: %s: %s\n", report::printable(refusal.serial).c_str(),
                   refusal.name.c_str(), report::printable(refusal.what).c_str());
    }
  };
  how.stop = [] { return g_stop != 0; };
  CAM_TRY(const auto result, identity::run_batch(factory, *key, *opened->engine, requests, how));
  progress.show(result.progress, true);
  CAM_TRY_STATUS(print_batch(options, result, progress.seconds()));
  if (!result.finished) return kInterrupted;
  return result.progress.refused == 0 ? kYes : kPartly;
}

Result<std::optional<identity::LogPlace>> read_place(const std::filesystem::path& path) {
  constexpr std::size_t kMaxPlace = 4096;
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return std::optional<identity::LogPlace>();
  CAM_TRY(const auto text, read_file(path, kMaxPlace));
  const auto in = Json::parse(as_text(text), nullptr, false);
  const bool good = in.is_object() && in.contains("lines") && in["lines"].is_number_unsigned() &&
                    in.contains("head") && in["head"].is_string();
  if (!good) return fail(Errc::malformed, path.string() + " is not what audit --seen writes");
  return identity::LogPlace{in["lines"].get<std::uint64_t>(), in["head"].get<std::string>()};
}

Result<int> audit(const Line& options) {
  const auto engine = crypto_openssl::make_openssl_engine();
  const key_source::RootLayout layout{options.root};
  const auto root_file = options.trust.empty() ? layout.root_ca() : options.trust;
  CAM_TRY(const auto roots, certificates_from(*engine, root_file));
  identity::AuditOptions how;
  how.folder = layout.factory_folder();
  how.root = &roots.front();
  how.files = !options.no_files;
  CAM_TRY(how.seen, read_place(options.seen));
  CAM_TRY(const auto report, identity::audit(*engine, how));
  if (report.whole() && !options.seen.empty()) {
    const Json place{{"lines", report.end.line}, {"head", report.end.head}};
    CAM_TRY_STATUS(write_output(options.seen, as_bytes(place.dump() + "\n")));
  }
  if (options.json) {
    print({{"whole", report.whole()},
           {"signed", report.is_signed()},
           {"lines", report.lines},
           {"signed_lines", report.signed_lines},
           {"checkpoints", report.checkpoints},
           {"orders", report.orders},
           {"cameras", report.cameras},
           {"certificates", report.certificates},
           {"files", report.files},
           {"head", report.end.head},
           {"problem_count", report.problem_count},
           {"problems", report.problems}});
  } else {
    std::printf(
        "  %llu lines, %llu cameras, %llu certificates, %llu orders; %llu files compared\n",
        static_cast<unsigned long long>(report.lines), static_cast<unsigned long long>(report.cameras),
        static_cast<unsigned long long>(report.certificates), static_cast<unsigned long long>(report.orders),
        static_cast<unsigned long long>(report.files));
    std::printf("  %llu checkpoints; %llu lines are signed\n",
                static_cast<unsigned long long>(report.checkpoints),
                static_cast<unsigned long long>(report.signed_lines));
    for (const auto& each : report.problems) std::printf("  PROBLEM %s\n", report::printable(each).c_str());
    std::printf("%s\n", !report.whole()      ? "The log is not what the factory wrote."
                        : report.is_signed() ? "The log is whole and signed."
                                             : "The log is whole; not all of it is signed.");
  }
  return !report.whole() ? kNo : report.is_signed() ? kYes : kPartly;
}

void add_order(CLI::App& factory, int& exit_code) {
  auto options = std::make_shared<Line>();
  auto* command = add_factory_command(
      factory, "order", "take in an order: the serial numbers that may have identities",
      [options] { return take_order(*options); }, exit_code);
  add_root_option(*command, options->root);
  add_keystore_option(*command, options->keystore);
  command->add_option("file", options->order_file, "the order (docs/formats/factory.md)")
      ->type_name("FILE")
      ->required();
  command->add_option("--signature", options->signature, "its detached CMS signature, DER")
      ->type_name("FILE");
  command->footer(
      "Once there is an order, or after init --orders-required, nothing is issued for a serial number that "
      "no\n"
      "order lists. With order-signers.pem in the factory's folder an order needs a signature that leads to "
      "one of\n"
      "them (openssl cms -sign -binary -outform DER).\n\n"
      "Examples:\n  camvault factory order --root /srv/factory PO-2026-0042.order --signature "
      "PO-2026-0042.p7s");
  options = std::make_shared<Line>();
  command = add_factory_command(
      factory, "orders", "how far each order is", [options] { return list_orders(*options); }, exit_code);
  add_root_option(*command, options->root);
  command->add_flag("--json", options->json, "for programs");
  command->footer("Examples:\n  camvault factory orders --root /srv/factory");
}

void add_batch(CLI::App& factory, int& exit_code) {
  auto options = std::make_shared<Line>();
  auto* command = add_factory_answer(
      factory, "batch", "work through an order's requests without anybody at it",
      [options] { return batch(*options); }, exit_code);
  add_root_option(*command, options->root);
  add_keystore_option(*command, options->keystore);
  command->add_option("--order", options->order, "the order that this is for")->type_name("NAME")->required();
  command
      ->add_option(
          "--requests", options->requests,
          "certificate requests in PEM: a file, a folder of *.pem, *.csr and *.req, or - for standard input")
      ->type_name("PATH")
      ->required();
  command->add_option("--refusals", options->refusals, "file to add refusals to, one JSON object a line")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "for programs");
  command->footer(
      "Requests as camvault factory request writes them. Stopped at any moment, by kill -9 or a power cut, "
      "the same\n"
      "command goes on: nothing is issued twice, nothing is left out. Certificates are in issued/ in the "
      "factory's\n"
      "folder. Exit code 2: some were refused (unlisted-serial, repeated-serial, replayed-request, ...).\n\n"
      "Examples:\n"
      "  camvault factory batch --root /srv/factory --order PO-2026-0042 --requests /srv/line/requests");
}

void add_audit(CLI::App& factory, int& exit_code) {
  auto options = std::make_shared<Line>();
  auto* command = add_factory_answer(
      factory, "audit", "check the issue log: whole, signed, nothing twice",
      [options] { return audit(*options); }, exit_code);
  add_root_option(*command, options->root);
  command
      ->add_option("--trust", options->trust,
                   "the root CA's certificate as the auditor knows it (default the one in the folder)")
      ->type_name("ROOT.pem");
  command
      ->add_option("--seen", options->seen,
                   "file that keeps how far the log was; it must still pass through that place, and the file "
                   "is renewed")
      ->type_name("FILE");
  command->add_flag("--no-files", options->no_files,
                    "do not compare the certificates in issued/ with the log");
  command->add_flag("--json", options->json, "for programs");
  command->footer(
      "Needs no key and changes nothing in the factory. Exit code 0: whole and signed to its end; 2: whole, "
      "the end\n"
      "not signed; 1: not what the factory wrote. Lines taken off the end are found with --seen.\n\n"
      "Examples:\n  camvault factory audit --root /srv/factory --trust root-ca.pem --seen last-audit.json");
}
}  // namespace

void add_factory_line(CLI::App& factory, int& exit_code) {
  add_order(factory, exit_code);
  add_batch(factory, exit_code);
  add_audit(factory, exit_code);
}

}  // namespace camvault::cli
