// Classifies an image with an exported network as `binas-tui validate` does:
//   djpeg photo.jpg | ./classify network.onnx
// The image is a PPM (P6) on standard input: djpeg of libjpeg, pngtopnm, or your own decoder.
//   g++ -std=c++17 -O2 -I ONNXRUNTIME/include classify.cpp -L ONNXRUNTIME/lib -lonnxruntime -o classify
#include <cstdio>
#include <string>

#include <onnxruntime_cxx_api.h>

#include "prepare.hpp"

int main(int, char **arg) {
  int width, height;
  if (scanf("P6 %d %d 255", &width, &height) != 2 || getchar() == EOF) return 1;
  std::vector<uint8_t> rgb(size_t(3) * width * height);
  if (fread(rgb.data(), 1, rgb.size(), stdin) != rgb.size()) return 1;

  Ort::Env env;
  Ort::Session network(env, arg[1], Ort::SessionOptions{});
  Ort::AllocatorWithDefaultOptions allocator;
  Ort::ModelMetadata metadata = network.GetModelMetadata();
  auto text = [&](const char *key) { return std::string(metadata.LookupCustomMetadataMapAllocated(key, allocator).get()); };
  Preprocessing p{std::stoi(text("image_size")), std::stod(text("crop_pct")), {}, {}};
  sscanf(text("mean").c_str(), "[%lf,%lf,%lf]", &p.mean[0], &p.mean[1], &p.mean[2]);
  sscanf(text("std").c_str(), "[%lf,%lf,%lf]", &p.std[0], &p.std[1], &p.std[2]);

  std::vector<float> x = prepare(rgb.data(), width, height, p);
  const int64_t shape[] = {1, 3, p.image_size, p.image_size};
  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  Ort::Value image = Ort::Value::CreateTensor<float>(memory, x.data(), x.size(), shape, 4);
  const char *inputs[] = {"image"}, *outputs[] = {"logits"};
  std::vector<Ort::Value> answers = network.Run(Ort::RunOptions{}, inputs, &image, 1, outputs, 1);
  const float *logits = answers[0].GetTensorData<float>();
  const size_t classes = answers[0].GetTensorTypeAndShapeInfo().GetElementCount();
  printf("{\"class\": %td, \"class_names\": %s, \"logits\": [", std::max_element(logits, logits + classes) - logits, text("class_names").c_str());
  for (size_t i = 0; i < classes; i++) printf("%s%.9g", i ? ", " : "", logits[i]);
  puts("]}");
}
