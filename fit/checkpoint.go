package fit

import "github.com/binas-tui/binas-tui/model"

// Names of the metrics of a fitted predictor in its checkpoint, beside those
// of model.Metrics, which are of the samples it was tested on.
const (
	MetricLambda     = "lambda"          // penalty of linear weights, squared points
	MetricProducts   = "lambda_products" // penalty of products
	MetricNoise      = "noise"           // standard deviation that no samples would remove, points
	MetricTest       = "test_samples"
	MetricValidation = "validation_error" // mean absolute error on the validation share, points
)

// Info is what the predictor's checkpoint says about it. e is how it did on a
// test, nil where it was not tested.
func (r *Report) Info(s *model.Space, e *Evaluation) model.CheckpointInfo {
	info := model.CheckpointInfo{
		Kind: r.Kind, FittedBy: r.FittedBy, Space: s.Name, Samples: r.Samples, Inactive: r.Inactive.String(),
		Source: r.Source, Note: r.Method,
		Metrics: map[string]float64{model.MetricLeast: r.Least, model.MetricMost: r.Most},
	}
	if e != nil {
		for name, v := range e.Metrics.Map() {
			info.Metrics[name] = v
		}
		info.Metrics[MetricTest] = float64(len(e.Measured))
	}
	if r.Uncertainty == nil {
		info.Metrics[MetricValidation] = r.HeldError()
		return info
	}
	info.LeaveOneOut, info.Extra = r.HeldError(), r.Uncertainty.Tensors()
	info.Metrics[MetricLambda], info.Metrics[MetricProducts] = r.Penalties.Linear, r.Penalties.Products
	info.Metrics[MetricNoise] = r.Uncertainty.Noise()
	return info
}

// Encode is the checkpoint: safetensors with the weights, [Report.Info] and the
// uncertainty.
func (r *Report) Encode(s *model.Space, e *Evaluation) ([]byte, error) {
	return model.EncodePredictor(r.Predictor, r.Info(s, e))
}
