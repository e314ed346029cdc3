#include "grid_tool.hpp"

#include <algorithm>
#include <exception>
#include <iostream>
#include <stdexcept>

int main(int argc, char** argv) {
  using namespace stegpass::test;
  const Words words(argv + std::min(argc, 2), argv + argc);
  const std::string_view what = argc > 1 ? argv[1] : "";
  try {
    if (what == "model" && words.size() == 3)
      edit_model(words);
    else if (what == "bundle" && words.size() >= 3)
      edit_bundle(words);
    else if (what == "papers" && words.size() == 2)
      make_papers(words);
    else
      throw std::runtime_error("usage: grid_tool model|bundle|papers ...");
  } catch (const std::exception& problem) {
    std::cerr << "grid_tool: " << problem.what() << "\n";
    return 1;
  }
  return 0;
}
