# SPDX-License-Identifier: GPL-2.0-or-later
# A room is a folder of sources that becomes one static library. Its DEPS are the
# rooms below it: the link line and scripts/lint both enforce the direction.
add_library(butterfuse_options INTERFACE)
target_include_directories(butterfuse_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(butterfuse_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor)
target_compile_definitions(butterfuse_options INTERFACE
  BUTTERFUSE_VERSION="${PROJECT_VERSION}" _FILE_OFFSET_BITS=64)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(butterfuse_options INTERFACE -Wthread-safety)
endif()
if(BUTTERFUSE_SANITIZE)
  target_compile_options(butterfuse_options INTERFACE
    -fsanitize=${BUTTERFUSE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(butterfuse_options INTERFACE -fsanitize=${BUTTERFUSE_SANITIZE})
endif()
if(BUTTERFUSE_FUZZ)
  # Tracing comparisons costs a third of the speed, and inputs here are choices, not values.
  target_compile_options(butterfuse_options INTERFACE -fno-sanitize-coverage=trace-cmp)
endif()

# The outside headers that nearly every source reads, compiled once: building takes a third less time. Only headers that
# never change here; presets that leave it off (debug, the sanitizers) see to it that sources include what they use.
if(BUTTERFUSE_PRECOMPILE)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cc CONTENT "")
  add_library(bf_precompiled OBJECT ${PROJECT_BINARY_DIR}/precompiled.cc)
  target_link_libraries(bf_precompiled PRIVATE butterfuse_options tl::expected fmt::fmt)
  target_precompile_headers(bf_precompiled PRIVATE
    <algorithm> <atomic> <chrono> <fmt/format.h> <functional> <map> <memory> <mutex> <optional> <string> <thread>
    <tl/expected.hpp> <unordered_map> <vector>)
endif()

function(bf_precompile target)
  if(BUTTERFUSE_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM bf_precompiled)
  endif()
endfunction()

# Compiles sources several together, where no name is in the way: a build from nothing takes half the time, and after a
# change more is compiled again than has to be. Presets that leave it off see to it that each stands by itself.
if(BUTTERFUSE_TOGETHER)
  # together_<path of a source> is the name of its batch.
  execute_process(COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/together.py 12 ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE batches OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" batches "${batches}")
  foreach(line IN LISTS batches)
    string(REGEX MATCH "^([^ ]+) (.+)$" line "${line}")
    set("together_${CMAKE_MATCH_2}" ${CMAKE_MATCH_1})
  endforeach()
endif()

function(bf_together target)
  if(NOT BUTTERFUSE_TOGETHER)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(source IN LISTS ARGN)
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${source})
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP "${together_${path}}")
  endforeach()
endfunction()

# bf_room(NAME DEPS room... LIBS target...) : library bf_NAME from the .cc files of this folder.
function(bf_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(TRANSFORM ROOM_DEPS PREPEND bf_)
  set_property(GLOBAL APPEND PROPERTY BUTTERFUSE_ROOMS ${name})
  if(sources)
    add_library(bf_${name} STATIC ${sources})
    bf_precompile(bf_${name})
    bf_together(bf_${name} ${sources})
    target_link_libraries(bf_${name} PUBLIC butterfuse_options ${ROOM_DEPS} ${ROOM_LIBS})
  else()
    add_library(bf_${name} INTERFACE)
    target_link_libraries(bf_${name} INTERFACE butterfuse_options ${ROOM_DEPS} ${ROOM_LIBS})
  endif()
endfunction()
