package steps

import (
	"context"
	"fmt"
	"path/filepath"
)

// finetune trains every chosen network further, from the supernet's weights and
// distilled from the heaviest network, and validates it on images that neither
// training nor search has seen. Each has a run folder of its own.
func (r *run) finetune(ctx context.Context) error {
	var networks []Network
	if err := r.readJSON(searchFile, &networks); err != nil {
		return err
	}
	for i := range networks {
		n := &networks[i]
		r.job.Log(fmt.Sprintf("network %d of %d: %s", i+1, len(networks), n.Name))
		if err := r.finetuneOne(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		r.job.Log(fmt.Sprintf("%s: top-1 %.2f%% after fine-tuning", n.Name, n.FineTuned))
	}
	return r.writeJSON(networksFile, networks)
}

func (r *run) finetuneOne(ctx context.Context, n *Network) error {
	scored := "score-" + n.Name + ".json"
	if exists(r.path(finetuneFolder, scored)) {
		return r.readJSON(finetuneFolder+"/"+scored, n)
	}
	if _, err := r.together(ctx, order{Step: FineTune, Network: *n}); err != nil {
		return err
	}
	r.progress("finetune", 0, 0, 0, n.Name+", validating")
	done, err := r.together(ctx, order{Step: Validate, Network: *n})
	if err != nil {
		return err
	}
	v := done.(Validated)
	n.FineTuned, n.Top5, n.Loss, n.Images = v.Top1, v.Top5, v.Loss, v.Images
	return r.writeJSON(finetuneFolder+"/"+scored, n)
}

// Folder is the run folder in which the network was trained, in that of its
// pipeline.
func (n Network) Folder(pipeline string) string {
	return filepath.Join(pipeline, finetuneFolder, n.Name)
}

// Networks is the networks that a pipeline has chosen, with what they reached
// after fine-tuning. A pipeline publishes it after its step finetune.
type Networks struct {
	Folder string
	Data   string // the images they were validated on
	// Fingerprint of the data set; empty where the pipeline does not know it.
	Fingerprint string
	List        []Network
}

// ReadNetworks reads them from the folder of a pipeline.
func ReadNetworks(folder string) (n Networks, err error) {
	s, err := readPipeline(folder)
	if err != nil {
		return n, err
	}
	r := &run{folder: folder}
	n = Networks{Folder: folder, Data: filepath.Base(s.Data) + " validation"}
	if s.Identity != nil {
		n.Data, n.Fingerprint = s.Identity.Name+" validation", s.Identity.Fingerprint
	}
	return n, r.readJSON(networksFile, &n.List)
}
