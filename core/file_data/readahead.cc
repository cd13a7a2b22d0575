// SPDX-License-Identifier: GPL-2.0-or-later
// Readahead: tasks that lock only what nobody else has.
#include "core/file_data/readahead.h"

#include <memory>

#include "core/file_data/page_fill.h"

namespace butterfuse {

namespace {

constexpr size_t kMostQueued = 128;  // folios; beyond that the readers are behind, and more would not help

// Counted in its file from its making to its end, done or not.
class ReadaheadTask {
 public:
  ReadaheadTask(FileState& file, PageRange pages) : hold_(file), file_(file), pages_(pages) {
    file_.background_started(FileState::Background::readahead);
  }
  ~ReadaheadTask() { file_.background_ended(FileState::Background::readahead); }
  ReadaheadTask(const ReadaheadTask&) = delete;
  // An error shows when the page is asked for.
  void run() const { (void)fill_pages(file_, pages_, LockMode::try_only); }

 private:
  const FileState::Hold hold_;
  FileState& file_;
  const PageRange pages_;
};

}  // namespace

void start_readahead(FileState& file, Executor& readers, ByteRange range) {
  const ByteRange bytes = range.intersection({0, file.page_end()});
  if (bytes.empty()) return;
  const PageRange pages = pages_touching(bytes);
  for (uint64_t folio = folio_of(pages.first); folio * kPagesPerFolio < pages.end; ++folio) {
    if (readers.queue_depth() >= kMostQueued) return;
    const PageRange whole = pages_of_folio(folio);
    const PageRange part{std::max(whole.first, pages.first),
                         std::min(whole.end, file.page_end() / kPageBytes)};
    if (part.empty() || file.mapping->is_uptodate(part)) continue;
    ++file.pipeline.stats.readahead_folios;
    auto task = std::make_shared<ReadaheadTask>(file, part);
    readers.submit([task = std::move(task)]() mutable {
      task->run();
      task.reset();
    });
  }
}

}  // namespace butterfuse
