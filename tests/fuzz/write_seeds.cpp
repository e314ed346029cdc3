// Writes the seed corpus, one folder a decoder. Usage: fuzz_seeds FOLDER
#include <filesystem>
#include <fstream>
#include <iostream>

#include "seeds.hpp"

int main(int count, char** arguments) {
  if (count != 2) return std::cerr << "usage: fuzz_seeds FOLDER\n", 2;
  int number = 0;
  for (const auto& [decoder, bytes] : stegpass::credential::fuzz::seeds()) {
    const std::filesystem::path folder = std::filesystem::path(arguments[1]) / decoder;
    std::filesystem::create_directories(folder);
    std::ofstream file(folder / std::to_string(number++), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}
