# SPDX-License-Identifier: GPL-2.0-or-later
# Installs butterfuse/engine.h and all headers that it reaches, in their folders below include/butterfuse. Runs at
# `cmake --install`; source_folder and include_folder are set before.
cmake_policy(VERSION 3.25)
set(waiting butterfuse/engine.h)
set(headers)
while(waiting)
  list(POP_FRONT waiting header)
  list(APPEND headers ${header})
  file(STRINGS ${source_folder}/${header} lines REGEX "^#include \"")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${line}")
    if(NOT included IN_LIST headers AND NOT included IN_LIST waiting)
      list(APPEND waiting ${included})
    endif()
  endforeach()
endwhile()
list(SORT headers)
foreach(header IN LISTS headers)
  get_filename_component(folder ${header} DIRECTORY)
  # engine.h is <butterfuse/engine.h>; the others are found as they are in the project.
  string(REGEX REPLACE "^butterfuse$" "." folder ${folder})
  file(INSTALL DESTINATION ${CMAKE_INSTALL_PREFIX}/${include_folder}/butterfuse/${folder} TYPE FILE
    FILES ${source_folder}/${header})
endforeach()
