// Prepares images for an exported network as `binas-tui validate` does, to the bit of
// every pixel. The rules are in ../DEPLOYING.md, and how ONNX Runtime is called.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

struct Preprocessing { // as the metadata of the file says
  int image_size;
  double crop_pct, mean[3], std[3];
};

struct Weights { int first; std::vector<double> w; };

// Catmull-Rom, widened where the image becomes smaller: of n pixels, those that make each of size.
inline std::vector<Weights> weights(int n, int size) {
  const double scale = double(n) / size, wide = std::max(scale, 1.0);
  std::vector<Weights> rows(size);
  for (int i = 0; i < size; i++) {
    const double at = (i + 0.5) * scale - 0.5;
    Weights &row = rows[i];
    row.first = std::max(0, int(std::floor(at - 2 * wide)));
    double sum = 0;
    for (int j = row.first; j < std::min(n, int(std::ceil(at + 2 * wide))); j++) {
      const double t = std::abs(at - j) / wide;
      row.w.push_back(t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((2.5 - 0.5 * t) * t - 4) * t + 2 : 0);
      sum += row.w.back();
    }
    for (double &w : row.w) w /= sum;
  }
  return rows;
}

// prepare makes the input [1, 3, size, size] of pixels [height, width, 3].
inline std::vector<float> prepare(const uint8_t *rgb, int width, int height, const Preprocessing &p) {
  const int size = p.image_size, side = std::max(1, int(std::min(width, height) * p.crop_pct + 0.5));
  const int left = (width - side) / 2, top = (height - side) / 2;
  const auto rows = weights(side, size);
  std::vector<float> x(3 * size * size);
  std::vector<double> lines(side * size);
  for (int c = 0; c < 3; c++) {
    for (int j = 0; j < side; j++)
      for (int i = 0; i < size; i++) {
        double v = 0;
        for (size_t k = 0; k < rows[i].w.size(); k++)
          v += rows[i].w[k] * rgb[(size_t(top + j) * width + left + rows[i].first + k) * 3 + c] / 255;
        lines[j * size + i] = v;
      }
    for (int y = 0; y < size; y++)
      for (int i = 0; i < size; i++) {
        double v = 0;
        for (size_t k = 0; k < rows[y].w.size(); k++) v += rows[y].w[k] * lines[(rows[y].first + k) * size + i];
        const int pixel = int(std::clamp(v, 0.0, 1.0) * 65535 + 0.5) >> 8;
        x[(c * size + y) * size + i] = float((pixel / 255.0 - p.mean[c]) / p.std[c]);
      }
  }
  return x;
}
