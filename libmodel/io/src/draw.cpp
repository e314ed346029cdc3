#include <stegpass/model/io/draw.hpp>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

#include <opencv2/imgproc.hpp>

#include "mat.hpp"
#include "noise.hpp"

namespace stegpass::model::io {
namespace {

// Paints every pixel with `colour_at(x, y)`; x and y in units of the shorter side, from the upper left.
template <class ColourAt>
Raster paint(std::int64_t width, std::int64_t height, const Noise& noise, ColourAt colour_at) {
  Raster picture{width, height, Bytes(static_cast<std::size_t>(width * height * 3))};
  const auto unit = 1.0F / static_cast<float>(std::min(width, height));
  auto* out = picture.rgb.data();
  for (std::int64_t row = 0; row < height; ++row)
    for (std::int64_t column = 0; column < width; ++column) {
      const Colour colour = colour_at(static_cast<float>(column) * unit, static_cast<float>(row) * unit);
      // A little grain, as a camera's, keeps smooth parts from being quite flat.
      const float grain = 0.012F * (noise.hash(static_cast<std::int32_t>(column), static_cast<std::int32_t>(row), 900) - 0.5F);
      for (const float value : colour)
        *out++ = static_cast<std::uint8_t>(std::lround(255 * std::clamp(value + grain, 0.0F, 1.0F)));
    }
  return picture;
}

// A landscape: sky with sun and clouds, four ridges in haze, a meadow in front.
class Landscape {
 public:
  explicit Landscape(const Noise& noise)
      : noise_(noise),
        sun_x_(0.15F + 0.7F * noise.hash(1, 0, 1)),
        sun_y_(0.12F + 0.2F * noise.hash(2, 0, 1)),
        hue_(noise.hash(3, 0, 1)) {
    const float evening = noise.hash(4, 0, 1);
    zenith_ = mix(Colour{0.16F, 0.38F, 0.75F}, Colour{0.25F, 0.18F, 0.42F}, evening);
    horizon_ = mix(Colour{0.78F, 0.88F, 0.95F}, Colour{0.98F, 0.62F, 0.38F}, evening);
  }

  Colour operator()(float x, float y) const {
    for (int ridge = 3; ridge >= 0; --ridge)
      if (y > ridge_height(ridge, x)) return ground(ridge, x, y);
    return sky(x, y);
  }

 private:
  float ridge_height(int ridge, float x) const {
    const auto depth = static_cast<float>(ridge);
    return 0.42F + 0.14F * depth +
           (0.16F - 0.025F * depth) *
               noise_.fractal(x * (1.4F + 0.5F * depth) + 9 * depth, depth, 7, 20 + 10 * static_cast<std::uint32_t>(ridge));
  }

  Colour sky(float x, float y) const {
    const float dx = x - sun_x_, dy = y - sun_y_, glow = std::exp(-14 * (dx * dx + dy * dy));
    Colour colour = mix(mix(zenith_, horizon_, smooth_step(0, 0.55F, y)), Colour{1, 0.95F, 0.8F}, 0.85F * glow);
    const float cloud = noise_.fractal(x * 2.2F + 0.4F * noise_.fractal(3 * x, 3 * y, 3, 70), y * 4.5F, 7, 60);
    return mix(colour, mix(Colour{1, 0.98F, 0.95F}, horizon_, 0.4F), 0.9F * smooth_step(0.02F, 0.55F, cloud));
  }

  // Slopes are lit by the difference of the field towards the sun; nearer ridges are darker, richer and rougher.
  Colour ground(int ridge, float x, float y) const {
    const auto purpose = 100 + 20 * static_cast<std::uint32_t>(ridge);
    const auto nearness = static_cast<float>(ridge) / 3;
    const float scale = 5 + 9 * nearness, towards = sun_x_ > x ? 0.012F : -0.012F;
    const float field = noise_.fractal(x * scale, y * scale * 1.3F, 7, purpose, 0.6F);
    const float light = 3.2F * (field - noise_.fractal((x + towards) * scale, (y - 0.012F) * scale * 1.3F, 7, purpose, 0.6F));
    const float kind = smooth_step(-0.3F, 0.4F, noise_.fractal(x * 3, y * 6, 4, purpose + 9));
    const Colour rock = mix(Colour{0.45F, 0.40F, 0.36F}, Colour{0.62F, 0.50F, 0.40F}, kind);
    const Colour plants = mix(hsv(0.20F + 0.14F * hue_, 0.6F, 0.42F), hsv(0.10F + 0.2F * hue_, 0.65F, 0.62F), kind);
    Colour colour = mix(rock, plants, nearness * 0.85F);
    if (ridge == 3) colour = flowers(colour, x, y);
    colour = scaled(colour, std::clamp(0.85F + light + 0.35F * field, 0.25F, 1.6F));
    return mix(colour, horizon_, 0.62F * (1 - nearness));
  }

  Colour flowers(const Colour& meadow, float x, float y) const {
    const auto cell = noise_.cell(x * 34, y * 44, 400);
    const float petal = smooth_step(0.34F, 0.18F, cell.distance) * (cell.name > 0.45F ? 1.0F : 0.0F);
    return mix(meadow, hsv(hue_ + 0.3F * cell.name, 0.7F, 0.95F), 0.9F * petal);
  }

  const Noise& noise_;
  float sun_x_, sun_y_, hue_;
  Colour zenith_{}, horizon_{};
};

// Clouds of light: noise bent by noise, three colours, soft lamps and small stars.
class Nebula {
 public:
  explicit Nebula(const Noise& noise) : noise_(noise), hue_(noise.hash(1, 1, 2)) {}

  Colour operator()(float x, float y) const {
    const float bend_x = noise_.fractal(2 * x, 2 * y, 5, 20), bend_y = noise_.fractal(2 * x, 2 * y, 5, 40);
    const float veil = noise_.fractal(2.4F * x + 1.3F * bend_x, 2.4F * y + 1.3F * bend_y, 8, 60, 0.58F);
    const float dust = noise_.fractal(6 * x + bend_y, 6 * y - bend_x, 7, 80, 0.65F);
    Colour colour = mix(hsv(hue_, 0.75F, 0.16F), hsv(hue_ + 0.12F + 0.1F * bend_x, 0.7F, 0.85F), smooth_step(-0.6F, 0.6F, veil));
    colour = mix(colour, hsv(hue_ + 0.5F + 0.15F * bend_y, 0.55F, 0.95F), 0.75F * smooth_step(0.0F, 0.75F, bend_y + 0.3F * dust));
    colour = scaled(colour, std::clamp(0.95F + 0.55F * dust, 0.15F, 1.5F));
    for (std::int32_t lamp = 0; lamp < 7; ++lamp) colour = add_lamp(colour, lamp, x, y);
    const auto star = noise_.cell(x * 26, y * 26, 300);
    return mix(colour, Colour{1, 0.98F, 0.94F}, star.name > 0.6F ? smooth_step(0.16F, 0.02F, star.distance) : 0.0F);
  }

 private:
  Colour add_lamp(const Colour& colour, std::int32_t lamp, float x, float y) const {
    const float dx = x - 1.2F * noise_.hash(lamp, 1, 3) + 0.1F, dy = y - 1.2F * noise_.hash(lamp, 2, 3) + 0.1F;
    const float radius = 0.05F + 0.13F * noise_.hash(lamp, 3, 3);
    const float light = std::exp(-(dx * dx + dy * dy) / (radius * radius));
    return mix(colour, hsv(hue_ + 0.35F * noise_.hash(lamp, 4, 3), 0.35F, 1.0F), 0.7F * light);
  }

  const Noise& noise_;
  float hue_;
};

// A bed of stones or leaves: two sizes of cells, each with its own colour, veins and shade.
class Stones {
 public:
  explicit Stones(const Noise& noise) : noise_(noise), hue_(noise.hash(2, 2, 4)), scale_(5 + 6 * noise.hash(3, 2, 4)) {}

  Colour operator()(float x, float y) const {
    const float bend_x = x + 0.05F * noise_.fractal(5 * x, 5 * y, 4, 20),
                bend_y = y + 0.05F * noise_.fractal(5 * x, 5 * y, 4, 40);
    const auto large = noise_.cell(bend_x * scale_, bend_y * scale_, 100),
               small = noise_.cell(bend_x * scale_ * 3, bend_y * scale_ * 3, 200);
    const float field = noise_.fractal(9 * x + 30 * large.name, 9 * y, 7, 60, 0.62F);
    const float veins = std::abs(noise_.fractal(4 * x + 20 * large.name, 7 * y, 5, 80));
    Colour stone =
        hsv(hue_ + 0.28F * (large.name - 0.5F), 0.25F + 0.5F * noise_.hash(static_cast<std::int32_t>(1000 * large.name), 0, 5),
            0.45F + 0.45F * large.name);
    stone = mix(stone, hsv(hue_ + 0.45F, 0.3F, 0.9F), 0.5F * smooth_step(0.12F, 0.0F, veins));
    stone = scaled(stone, 0.72F + 0.42F * smooth_step(0, 0.5F, large.border) + 0.4F * field);
    const Colour gravel = scaled(hsv(hue_ + 0.08F + 0.2F * small.name, 0.35F, 0.35F + 0.3F * small.name),
                                 0.55F + 0.6F * smooth_step(0, 0.35F, small.border));
    return mix(gravel, stone, smooth_step(0.03F, 0.12F, large.border));
  }

 private:
  const Noise& noise_;
  float hue_, scale_;
};

struct Portrait {
  float hue, head_width, head_height, hair;
  Colour skin, hair_colour, coat;
};

Portrait portrait_of(const Noise& noise) {
  const float tone = noise.hash(1, 5, 6);
  return {noise.hash(0, 5, 6),
          0.125F + 0.03F * noise.hash(2, 5, 6),
          0.165F + 0.03F * noise.hash(3, 5, 6),
          noise.hash(4, 5, 6),
          mix(Colour{0.95F, 0.78F, 0.64F}, Colour{0.42F, 0.27F, 0.19F}, tone),
          hsv(0.07F, 0.3F + 0.5F * noise.hash(6, 5, 6), 0.12F + 0.5F * noise.hash(5, 5, 6)),
          hsv(noise.hash(7, 5, 6), 0.55F, 0.55F)};
}

float ellipse(float x, float y, float centre_x, float centre_y, float radius_x, float radius_y) {
  const float dx = (x - centre_x) / radius_x, dy = (y - centre_y) / radius_y;
  return std::sqrt(dx * dx + dy * dy);
}

Colour card_background(const Noise& noise, const Portrait& who, float x, float y) {
  const float waves = std::sin(46 * (y + 0.06F * std::sin(7 * x + 6 * who.hue)) + 5 * noise.fractal(2 * x, 2 * y, 4, 20));
  const float cloud = noise.fractal(3 * x, 3 * y, 6, 40);
  const Colour base =
      mix(hsv(who.hue, 0.35F, 0.86F), hsv(who.hue + 0.14F, 0.5F, 0.6F), smooth_step(0, 1, 0.55F * (x + y) + 0.25F * cloud));
  return scaled(base, 1 + 0.05F * waves + 0.1F * cloud);
}

Colour card_colour(const Noise& noise, const Portrait& who, float x, float y) {
  constexpr float kHeadX = 0.42F, kHeadY = 0.36F;
  const float texture = noise.fractal(14 * x, 14 * y, 5, 80, 0.6F),
              shade = 1.08F - 0.55F * (x - kHeadX) - 0.15F * (y - kHeadY) + 0.08F * texture;
  Colour colour = card_background(noise, who, x, y);
  const float hair = ellipse(x, y, kHeadX, kHeadY - 0.03F + 0.06F * who.hair, who.head_width + 0.035F,
                             who.head_height + 0.02F + 0.07F * who.hair);
  const float strands = noise.fractal(60 * x, 6 * y, 4, 90);
  colour = mix(colour, scaled(who.hair_colour, shade + 0.35F * strands), smooth_step(1.03F, 0.97F, hair));
  const float coat = ellipse(x, y, kHeadX, 0.92F, 0.33F, 0.33F + 0.02F * who.hair);
  const float weave = 0.08F * std::sin(140 * x) * std::sin(140 * y);
  colour = mix(colour, scaled(who.coat, shade + weave), smooth_step(1.02F, 0.98F, coat));
  const float neck = std::max(std::abs(x - kHeadX) / (0.45F * who.head_width), std::abs(y - kHeadY - who.head_height) / 0.09F);
  colour = mix(colour, scaled(who.skin, 0.82F * shade), smooth_step(1.04F, 0.96F, neck));
  const float head = ellipse(x, y, kHeadX, kHeadY, who.head_width, who.head_height);
  colour = mix(colour, scaled(who.skin, shade), smooth_step(1.03F, 0.97F, head));
  const float fringe = y - (kHeadY - 0.55F * who.head_height + 0.25F * (x - kHeadX) + 0.01F * strands);
  if (head < 1.05F) colour = mix(colour, scaled(who.hair_colour, shade + 0.35F * strands), smooth_step(0.006F, -0.006F, fringe));
  for (const float side : {-1.0F, 1.0F}) {
    const float eye_x = kHeadX + side * 0.42F * who.head_width, eye_y = kHeadY - 0.02F;
    colour = mix(colour, Colour{0.97F, 0.97F, 0.95F}, smooth_step(1.1F, 0.9F, ellipse(x, y, eye_x, eye_y, 0.026F, 0.015F)));
    colour = mix(colour, hsv(who.hue + 0.3F, 0.6F, 0.3F), smooth_step(1.1F, 0.9F, ellipse(x, y, eye_x, eye_y, 0.012F, 0.013F)));
    colour = mix(colour, scaled(who.hair_colour, 0.8F),
                 smooth_step(1.15F, 0.85F, ellipse(x, y, eye_x, eye_y - 0.036F, 0.034F, 0.007F)));
  }
  colour = mix(colour, scaled(who.skin, 0.72F),
               smooth_step(1.1F, 0.8F, ellipse(x, y, kHeadX + 0.008F, kHeadY + 0.045F, 0.011F, 0.022F)));
  return mix(colour, Colour{0.68F, 0.28F, 0.27F},
             smooth_step(1.15F, 0.85F, ellipse(x, y, kHeadX, kHeadY + 0.6F * who.head_height, 0.04F, 0.011F)));
}

void write_name(Raster& card, std::string_view name) {
  std::string text(name.substr(0, 24));
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  cv::Mat image = mat_of_raster(card);
  const auto size = static_cast<int>(card.width);
  int baseline = 0;
  const double wanted = 0.55 * size, at_one = cv::getTextSize(text, cv::FONT_HERSHEY_DUPLEX, 1.0, 1, &baseline).width;
  const double scale = std::min(size / 420.0, wanted / std::max(at_one, 1.0));
  const cv::Point at(size / 24, size - size / 16);
  const int stroke = std::max(1, static_cast<int>(std::lround(scale * 1.6)));
  cv::putText(image, text, at, cv::FONT_HERSHEY_DUPLEX, scale, cv::Scalar(20, 22, 30), stroke + 2, cv::LINE_AA);
  cv::putText(image, text, at, cv::FONT_HERSHEY_DUPLEX, scale, cv::Scalar(250, 248, 240), stroke, cv::LINE_AA);
}

}  // namespace

Raster draw_scene(std::int64_t width, std::int64_t height, std::uint64_t seed) {
  assert(width >= 1 && height >= 1 && width <= 4096 && height <= 4096);
  const Noise noise(seed);
  if (seed % 3 == 0) return paint(width, height, noise, Landscape(noise));
  if (seed % 3 == 1) return paint(width, height, noise, Nebula(noise));
  return paint(width, height, noise, Stones(noise));
}

Raster draw_identity_card(std::int64_t size, std::uint64_t seed, std::string_view name) {
  assert(size >= 64 && size <= 4096);
  const Noise noise(seed);
  const auto who = portrait_of(noise);
  auto card = paint(size, size, noise, [&](float x, float y) { return card_colour(noise, who, x, y); });
  write_name(card, name);
  return card;
}

}  // namespace stegpass::model::io
