// FileData::Impl: what stands behind a FileData.
#pragma once

#include "core/writeback/data_engine_services.h"
#include "core/writeback/file_data.h"
#include "core/writeback/file_state.h"
#include "core/writeback/readahead.h"

namespace butterfuse {

class FileData::Impl {
 public:
  Impl(DataEngine::Services& services_, DataOwner& owner, uint64_t size)
      : services(services_), state(services_.pipeline, owner, size) {}
  ~Impl() {
    state.wait_background(FileState::Background::fixup);  // a fixup notes the file as dirty
    services.dirty_files.forget(state);
  }

  std::shared_ptr<WritebackDomain> domain() { return services.domains.get(last_domain); }
  Status pin_part(ByteRange part, std::vector<PinnedPages>& pins, std::vector<ByteSpan>& pieces);

  DataEngine::Services& services;
  FileState state;
  ReadaheadWindow window;
  std::atomic<DomainId> last_domain{0};  // of the last writer: pays for the pages that truncation dirties
};

}  // namespace butterfuse
