#include "report_file.h"

#include "camvault/base/file.h"
#include "camvault/report/html.h"

namespace camvault::cli {

Status write_html_report(const std::filesystem::path&, const Verification& verification, const std::filesystem::path& out) {
  const auto html = report::to_html(verification.subject, verification.report);
  if (auto written = write_file_atomically(out, as_bytes(html)); !written) return fail_in(out.string(), written.error());
  return ok();
}

}  // namespace camvault::cli
