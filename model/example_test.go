package model_test

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
)

// BINAS A, from its string to its decisions and its cost.
func Example() {
	arch, err := model.ParseArchitecture("[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k5_s2_e3_c24_nre', 'ir_r1_k3_s1_e3_c24_nre_se0.25'], " +
		"['ir_r1_k5_s2_e3_c40_nre_se0.25', 'ir_r1_k5_s1_e4_c40_nre_se0.25'], " +
		"['ir_r1_k5_s2_e3_c80', 'ir_r1_k5_s1_e3_c80_se0.25', 'ir_r1_k5_s1_e4_c80_se0.25'], " +
		"['ir_r1_k5_s1_e4_c112_se0.25', 'ir_r1_k5_s1_e4_c112_se0.25'], " +
		"['ir_r1_k5_s2_e4_c192_se0.25', 'ir_r1_k5_s1_e4_c192_se0.25', 'ir_r1_k3_s1_e4_c192_se0.25', 'ir_r1_k5_s1_e3_c192_se0.25'], " +
		"['cn_r1_k1_s1_c960']]")
	if err != nil {
		fmt.Println(err)
		return
	}
	space, path, err := model.SpaceOf(arch, 224)
	if err != nil {
		fmt.Println(err)
		return
	}
	cost, err := arch.Cost(224, 1000)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(space.Name, "depths", path.Depth)
	fmt.Println("first block:", space.Options[path.Option[0]])
	fmt.Printf("%.1f M parameters, %d M MACs\n", float64(cost.Params)/1e6, cost.MACs/1e6)
	// Output:
	// mobilenasnet depths [2 2 3 2 4]
	// first block: k5 e3 ·
	// 5.2 M parameters, 203 M MACs
}
