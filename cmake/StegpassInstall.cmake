# What `cmake --install` puts in place beside the program: each library that was built with its headers, the network's weights, and
# a package, so that `find_package(stegpass COMPONENTS credential ledger)` gives stegpass::credential and stegpass::ledger.
include(CMakePackageConfigHelpers)

set(STEGPASS_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/stegpass")
set(STEGPASS_PARTS "")
foreach(part credential_core credential model model_io ledger)  # each after what it depends on
  if(TARGET ${part})
    list(APPEND STEGPASS_PARTS ${part})
    install(TARGETS ${part} EXPORT stegpass-${part} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT stegpass-${part} NAMESPACE stegpass:: FILE stegpass-${part}.cmake DESTINATION ${STEGPASS_PACKAGE_DIR})
  endif()
endforeach()

set(STEGPASS_HEADERS_credential_core libcredential/include/stegpass/credential/core)
set(STEGPASS_HEADERS_credential libcredential/include/stegpass/credential)
set(STEGPASS_HEADERS_model libmodel/include/stegpass/model)
set(STEGPASS_HEADERS_model_io libmodel/io/include/stegpass/model)
set(STEGPASS_HEADERS_ledger ledger/include/stegpass/ledger)
foreach(part ${STEGPASS_PARTS})
  string(REGEX REPLACE "^.*/include/" "" place "${STEGPASS_HEADERS_${part}}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${STEGPASS_HEADERS_${part}}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/${place}")
endforeach()

if(STEGPASS_WITH_MODEL_IO)
  install(FILES "${PROJECT_SOURCE_DIR}/weights/isn-small.safetensors" DESTINATION share/stegpass)
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/stegpass-config.cmake.in" "${PROJECT_BINARY_DIR}/stegpass-config.cmake"
                              INSTALL_DESTINATION ${STEGPASS_PACKAGE_DIR})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/stegpass-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/stegpass-config.cmake" "${PROJECT_BINARY_DIR}/stegpass-config-version.cmake"
        DESTINATION ${STEGPASS_PACKAGE_DIR})

message(STATUS "stegpass: model ${STEGPASS_WITH_MODEL}, ledger ${STEGPASS_WITH_LEDGER}, cuda ${STEGPASS_WITH_CUDA}")
