// Writes what docs/deploy/prepare.hpp makes of pixels, for ../deploy_test.go:
// prepare WIDTH HEIGHT SIZE CROP MEAN... STD... <RGB >FLOATS
#include "prepare.hpp"

#include <cstdio>
#include <cstdlib>

int main(int, char **arg) {
  const int width = atoi(arg[1]), height = atoi(arg[2]);
  Preprocessing p{atoi(arg[3]), atof(arg[4]), {atof(arg[5]), atof(arg[6]), atof(arg[7])}, {atof(arg[8]), atof(arg[9]), atof(arg[10])}};
  std::vector<uint8_t> rgb(size_t(3) * width * height);
  if (fread(rgb.data(), 1, rgb.size(), stdin) != rgb.size()) return 1;
  const auto x = prepare(rgb.data(), width, height, p);
  return fwrite(x.data(), sizeof(float), x.size(), stdout) == x.size() ? 0 : 1;
}
