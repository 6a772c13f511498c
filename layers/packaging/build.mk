# What `sam build` runs for each function and layer: in a copy of its folder, with ARTIFACTS_DIR set.
# One folder beside this one for each architecture, since that is how the template can choose.
PACKAGING := $(dir $(lastword $(MAKEFILE_LIST)))

build-%Layer:
	@python=$$(sh "$(PACKAGING)find-python.sh") && \
	"$$python" "$(PACKAGING)build.py" . "$(ARTIFACTS_DIR)/python" $(ARCHITECTURE)

build-%:
	@python=$$(sh "$(PACKAGING)find-python.sh") && \
	"$$python" "$(PACKAGING)build.py" . "$(ARTIFACTS_DIR)" $(ARCHITECTURE)
