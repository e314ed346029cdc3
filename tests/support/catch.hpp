#pragma once

// The one way in for Catch2, so that its version is chosen in one place.
#include <catch2/catch.hpp>
