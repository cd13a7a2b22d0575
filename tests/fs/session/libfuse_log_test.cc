// SPDX-License-Identifier: GPL-2.0-or-later
// LibfuseLog: what libfuse says, kept as an error's reason, or passed on to our log.
#include "fs/session/libfuse_log.h"

#include <catch2/catch.hpp>
#include <vector>

#include "core/base/log.h"
#include "fs/fuse/fuse_context.h"

namespace butterfuse::libfuse_log_test {
namespace {

// What the log gets while it lives.
struct HeardLog {
  std::vector<std::pair<LogLevel, std::string>> lines;
  HeardLog() {
    set_log_sink([this](LogLevel level, std::string_view text) { lines.emplace_back(level, text); });
  }
  ~HeardLog() {
    set_log_sink([](LogLevel, std::string_view) {});
  }
};

}  // namespace

TEST_CASE("the last complaint is kept, on one line, until there is another") {
  const HeardLog heard;
  keep_complaints_of_libfuse();
  CHECK(last_complaint_of_libfuse() == "");
  fuse_log(FUSE_LOG_ERR, "fuse: %s: %d\n\n", "bad mount point", 7);
  CHECK(last_complaint_of_libfuse() == "fuse: bad mount point: 7");
  fuse_log(FUSE_LOG_DEBUG, "another");
  CHECK(last_complaint_of_libfuse() == "another");
  keep_complaints_of_libfuse();
  CHECK(last_complaint_of_libfuse() == "");
  fuse_log(FUSE_LOG_ERR, "%s", std::string(5000, 'x').c_str());
  CHECK(last_complaint_of_libfuse() == std::string(1023, 'x'));
  CHECK(heard.lines.empty());
}

TEST_CASE("from then on its lines go to the log, by how grave they are") {
  const HeardLog heard;
  keep_complaints_of_libfuse();
  log_libfuse();
  fuse_log(FUSE_LOG_ERR, "broken %s\n", "pipe");
  fuse_log(FUSE_LOG_WARNING, "odd");
  fuse_log(FUSE_LOG_INFO, "LOOKUP\n");
  keep_complaints_of_libfuse();
  REQUIRE(heard.lines.size() == 3);
  CHECK(heard.lines[0] == std::pair(LogLevel::warning, std::string("broken pipe")));
  CHECK(heard.lines[1].first == LogLevel::warning);
  CHECK(heard.lines[2] == std::pair(LogLevel::debug, std::string("LOOKUP")));
  CHECK(last_complaint_of_libfuse() == "");
}

}  // namespace butterfuse::libfuse_log_test
