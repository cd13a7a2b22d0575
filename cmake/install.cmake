# SPDX-License-Identifier: GPL-2.0-or-later
# What `cmake --install` puts where: README.md, "Install", says it for people. The engine is in butterfuse/CMakeLists.txt.
include(GNUInstallDirs)
install(TARGETS butterfuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# Names under which mkfs(8), fsck(8) and mount(8) look for the program. cli/manual has the same ones; a test compares.
file(RELATIVE_PATH to_program /${CMAKE_INSTALL_SBINDIR} /${CMAKE_INSTALL_BINDIR}/butterfuse)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/links)
foreach(name mkfs.butterfuse fsck.butterfuse fsck.fuse.butterfuse mount.butterfuse mount.fuse.butterfuse)
  file(CREATE_LINK ${to_program} ${PROJECT_BINARY_DIR}/links/${name} SYMBOLIC)
  install(FILES ${PROJECT_BINARY_DIR}/links/${name} DESTINATION ${CMAKE_INSTALL_SBINDIR})
endforeach()

# Manual pages, made by the program itself.
set(man_folder ${PROJECT_BINARY_DIR}/man/man8)
add_custom_command(OUTPUT ${man_folder}/butterfuse.8
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${man_folder}
  COMMAND butterfuse help --man-pages ${man_folder}
  DEPENDS butterfuse
  COMMENT "Manual pages" VERBATIM)
add_custom_target(manual ALL DEPENDS ${man_folder}/butterfuse.8)
install(DIRECTORY ${man_folder} DESTINATION ${CMAKE_INSTALL_MANDIR})

install(FILES README.md ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES butterfuse/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/butterfuse)
