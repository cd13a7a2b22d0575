// SPDX-License-Identifier: GPL-2.0-or-later
// ModelCourse: a model that follows the steps of a workload through the times of its crash states.
#pragma once

#include <span>
#include <vector>

#include "tests/crash/workload.h"

namespace butterfuse::crash {

class ModelCourse {
 public:
  ModelCourse(Model model, std::vector<Step> steps) : model_(std::move(model)), steps_(std::move(steps)) {}

  // What began before `time` is made, what ended before it is promised. Times only grow.
  void advance(uint64_t time) {
    for (; next_ < steps_.size() && steps_[next_].begun < time; ++next_) {
      acknowledge(time);
      model_.apply(steps_[next_].change);
    }
    acknowledge(time);
  }
  const Model& model() const { return model_; }
  std::span<const Step> steps_made() const { return std::span(steps_).first(next_); }
  // Of a step, for describe().
  const char* state_of(size_t step) const { return step < acknowledged_ ? "" : " (under way)"; }

 private:
  void acknowledge(uint64_t time) {
    for (; acknowledged_ < next_ && steps_[acknowledged_].ended < time; ++acknowledged_)
      model_.acknowledge(steps_[acknowledged_].change);
  }

  Model model_;
  std::vector<Step> steps_;
  size_t next_ = 0, acknowledged_ = 0;  // steps
};

}  // namespace butterfuse::crash
