// camvault enrol and camvault claim.
#pragma once

namespace CLI {
class App;
}

namespace camvault::cli {

void add_enrol(CLI::App& app, int& exit_code);
void add_claim(CLI::App& app, int& exit_code);

}  // namespace camvault::cli
