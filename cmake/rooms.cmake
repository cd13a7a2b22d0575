# A room is a folder of sources that becomes one static library. Its DEPS are the
# rooms below it: the link line and tests/lint_layering both enforce the direction.
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

# bf_room(NAME DEPS room... LIBS target...) : library bf_NAME from the .cc files of this folder.
function(bf_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(TRANSFORM ROOM_DEPS PREPEND bf_)
  if(sources)
    add_library(bf_${name} STATIC ${sources})
    target_link_libraries(bf_${name} PUBLIC butterfuse_options ${ROOM_DEPS} ${ROOM_LIBS})
  else()
    add_library(bf_${name} INTERFACE)
    target_link_libraries(bf_${name} INTERFACE butterfuse_options ${ROOM_DEPS} ${ROOM_LIBS})
  endif()
endfunction()
