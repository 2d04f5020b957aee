# The commands of this repository. Each installs what is missing and hands over to `cargo xtask`, where the work is done.
.PHONY: run test check bench clean

run test check bench:
	@xtask/install.sh $@
	@exec cargo xtask $@

clean:
	@exec cargo xtask clean
