# Socket Lab. `make help` lists the targets; the work itself is done by `lab` (lab/cli.py) and lab/setup/.
#
# Variables, in the environment or on make's command line (make passes them on to every program):
#   LAB_LANG=zh-CN   language        ASK=0           no questions       LAB_NAME=…     name of this lab
#   LAB_SUBNET=…     the addresses   LAB_ENGINE=never    install and start nothing
#   YES=1            take over a lab that belongs to another user

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Our own bytecode is cached whatever the user's settings, and theirs must not reach our environment.
export PYTHONDONTWRITEBYTECODE :=
unexport PYTHONPATH PYTHONHOME
# The hosts' image is of the engine's own architecture.
unexport DOCKER_DEFAULT_PLATFORM
# It is told whose it is: it ends when this make has gone, by kill -9 too (lab/commands/leaving.py). No shell stays between.
lab := LAB_MAKE=$$PPID exec .venv/bin/lab
py := .venv/bin/python
ready := @lab/setup/ready.sh

.PHONY: help
help: ## list every target | 列出所有目标
	@lab/setup/help.sh $(firstword $(MAKEFILE_LIST))

# --- learning --------------------------------------------------------------------------------------------------------

.PHONY: list
list: ## list the exercises | 列出所有练习
	@lab/setup/venv.sh
	@$(lab) list

# Each run is a goal of its own and never a file; a pattern rule cannot be phony, so it depends on something that is.
exercise-%: always ## play exercise N and judge it: make exercise-3, ASK=0 for no questions | 进行练习 N 并评判：make exercise-3，ASK=0 表示不提问
	$(ready)
	@$(lab) run --build $*

.PHONY: exercises
exercises: ## play every exercise, without questions, with one table | 逐个进行全部练习，不提问，给出一张总表
	$(ready)
	@$(lab) run --all --build

.PHONY: always
always:

.PHONY: claims
claims: ## decide each of the article's claims from your own runs | 用自己的运行记录判定文章的每一条说法
	@lab/setup/venv.sh
	@$(lab) claims

.PHONY: watch
watch: ## show the sockets of both hosts side by side, changes marked | 并排显示两台主机的套接字，标出变化
	$(ready)
	@$(lab) watch

.PHONY: live
live: ## show what happens on the hosts while it happens: calls, states, segments | 实时显示主机上发生的一切：系统调用、状态、报文段
	$(ready)
	@$(lab) live

.PHONY: shell-server
shell-server: ## open a shell on the host "server", ROOT=1 for tcpdump | 打开主机 server 的 shell，ROOT=1 可用 tcpdump
	$(ready)
	@$(lab) shell server $(if $(ROOT),--root)

.PHONY: shell-client
shell-client: ## open a shell on the host "client", ROOT=1 for tcpdump | 打开主机 client 的 shell，ROOT=1 可用 tcpdump
	$(ready)
	@$(lab) shell client $(if $(ROOT),--root)

# Every other host by its name: make shell-site1.
shell-%: always ## open a shell on another host that is up: make shell-site1 | 打开其他已启动主机的 shell：make shell-site1
	$(ready)
	@$(lab) shell $* $(if $(ROOT),--root)

# --- the lab ---------------------------------------------------------------------------------------------------------

.PHONY: up
up: ## start the two hosts | 启动两台主机
	$(ready)
	@$(lab) up --build

.PHONY: down
down: ## stop the hosts and leave nothing behind | 停止主机，不留下任何东西
	@LAB_ENGINE=$${LAB_ENGINE:-start} lab/setup/ready.sh
	@$(lab) down

.PHONY: reset
reset: ## end every connection and server, keep the hosts | 结束所有连接和服务器，保留主机
	$(ready)
	@$(lab) reset

.PHONY: status
status: ## show what is running | 显示正在运行的内容
	@lab/setup/venv.sh
	@$(lab) status

# --- set-up ----------------------------------------------------------------------------------------------------------

.PHONY: doctor
doctor: ## check this machine, with a remedy for each finding | 检查本机，并给出每个问题的解决办法
	@lab/setup/venv.sh
	@$(lab) doctor

.PHONY: engine
engine: ## get a running container engine: start it, or install it | 准备好容器引擎：启动或安装
	@lab/setup/engine.sh

.PHONY: venv
venv: ## make the Python environment .venv, locked versions | 创建 Python 环境 .venv（版本锁定）
	@lab/setup/venv.sh

.PHONY: images
images: ## build the image of the hosts, from a registry or from packages | 构建主机镜像（来自镜像仓库或软件包）
	$(ready)
	@$(lab) images

.PHONY: browser
browser: ## build the image of the host with a real browser (some 900 MB) | 构建带真实浏览器的主机镜像（约 900 MB）
	$(ready)
	@$(lab) images --browser

.PHONY: clean
clean: ## take down the lab, remove its images, .venv and caches; runs/ stays | 停止实验，删除其镜像、.venv 和缓存；保留 runs/
	@lab/setup/clean.sh

# --- proof -----------------------------------------------------------------------------------------------------------

.PHONY: unit
unit: ## run the tests that need no container engine | 运行不需要容器引擎的测试
	@lab/setup/venv.sh dev
	@$(py) -m pytest tests/unit tests/setup

.PHONY: test
test: ## run all tests, those in containers too | 运行全部测试，包括容器中的测试
	$(ready) dev
	@lab/setup/chromium.sh
	@$(lab) images
	@$(py) -m tests

.PHONY: chaos
chaos: ## kill, stop and interrupt everything at 500 random moments: KILLS=50 for fewer, SEED=7 for the same ones again | 在 500 个随机时刻杀死、暂停或中断一切：KILLS=50 指定次数，SEED=7 重现同样的时刻
	$(ready) dev
	@$(lab) images
	@$(py) -m tests.chaos $(or $(KILLS),500) $(if $(SEED),--seed $(SEED))

.PHONY: check
check: ## lint and type-check everything | 检查全部代码（lint 与类型）
	@lab/setup/check.sh

.PHONY: bench
bench: ## measure, and print ratios | 测量性能，以比值表示
	$(ready) dev
	@$(lab) images
	@$(py) -m tests.bench
