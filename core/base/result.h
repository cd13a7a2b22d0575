// SPDX-License-Identifier: GPL-2.0-or-later
// Result<T>: a value or an Error that says what, where and with which numbers.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace butterfuse {

// An operating error or bad disk bytes. `code` is a positive errno (EIO, ENOSPC, ...); EUCLEAN means "the
// file system structure is damaged", as in btrfs.
struct Error {
  int code = 0;
  std::string message;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};
using Status = Result<void>;

template <class... Args>
tl::unexpected<Error> make_error(int code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace butterfuse

#define BF_CONCAT_INNER(a, b) a##b
#define BF_CONCAT(a, b) BF_CONCAT_INNER(a, b)

// BF_TRY(status_expression): return the error to the caller, go on otherwise.
#define BF_TRY(expression)                                                                              \
  do {                                                                                                  \
    if (auto bf_status = (expression); !bf_status) return tl::unexpected(std::move(bf_status).error()); \
  } while (false)

// BF_ASSIGN(auto x, result_expression): declare or assign x, or return the error.
#define BF_ASSIGN(declaration, expression) \
  BF_ASSIGN_INNER(BF_CONCAT(bf_result_, __COUNTER__), declaration, expression)
#define BF_ASSIGN_INNER(name, declaration, expression)       \
  auto name = (expression);                                  \
  if (!name) return tl::unexpected(std::move(name).error()); \
  declaration = std::move(*name)
