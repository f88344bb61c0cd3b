package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"onsale/api"
)

func newOpenAPI(p *program) *cobra.Command {
	return &cobra.Command{Use: "openapi", Short: "Print the description of the HTTP API (OpenAPI 3.1)", Args: arguments(cobra.NoArgs),
		Long: `Prints the description of every route of the buyers' and the private listener as
OpenAPI 3.1 in YAML, whatever --output says. A running server has it at
/v1/openapi.yaml of both listeners.`,
		Example: "  onsale openapi > onsale.yaml",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(p.out, api.OpenAPI())
			return err
		}}
}
