# Installed package: find_package(stegpass) gives stegpass::credential_core and whatever else was built.
message(STATUS "stegpass: model ${STEGPASS_WITH_MODEL}, ledger ${STEGPASS_WITH_LEDGER}, cuda ${STEGPASS_WITH_CUDA}")
