// Command metrics-server is the one of Kubernetes, with its own name. It is a module of its own because its release needs
// other versions of the Kubernetes libraries than the lab's cluster.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app"
)

func main() {
	os.Exit(cli.Run(app.NewMetricsServerCommand(make(chan struct{}))))
}
