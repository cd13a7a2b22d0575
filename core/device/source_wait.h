// SourceWait: the end of waiting for a source that is in use.
#pragma once

namespace butterfuse {

// Whoever opens a source that another process has open waits for it (OpenOptions::lock_wait_ms) and asks
// `interrupted` meanwhile: true ends the wait with EINTR. Of the whole process, as signals are; null: nothing
// ends it before its time. Before threads start.
void set_source_wait_interruption(bool (*interrupted)());

}  // namespace butterfuse
