// SPDX-License-Identifier: GPL-2.0-or-later
// FileData::Impl: what stands behind a FileData.
#pragma once

#include "core/delalloc/file_state.h"
#include "core/file_data/data_engine_services.h"
#include "core/file_data/file_data.h"

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
  std::atomic<DomainId> last_domain{0};  // of the last writer: pays for the pages that truncation dirties
};

}  // namespace butterfuse
