// Exit codes of check and its relatives: those of fsck(8), whatever name the program goes by.
#pragma once

namespace butterfuse::fsck_status {

constexpr int kClean = 0, kCorrected = 1, kUncorrected = 4, kFailed = 8, kUsage = 16, kCancelled = 32;

}  // namespace butterfuse::fsck_status
