# Runs one function of the project on many inputs. keepstep talks to it in JSON lines over the pipes that it was started
# with; what the project's code prints goes to standard error instead.
#
# What few agents need is imported where they need it: asyncio alone takes about as long as the interpreter's own start.
import _thread, contextlib, importlib, inspect, json, math, os, select, sys

PID = os.getpid()
requests = os.fdopen(os.dup(0), "rb")
answers = os.dup(1)
nothing = os.open(os.devnull, os.O_RDONLY)
os.dup2(nothing, 0)
os.close(nothing)
os.dup2(2, 1)
LIMIT = 60 * 1024 * 1024
INPUT_NAMES = ("input", "input_text", "message", "query", "text", "content", "user_message")


encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def clean(text):
    return text.encode("utf-8", "replace").decode("utf-8")


def send(message):
    if os.getpid() != PID:
        # The project's code forked and came back here: only the first process may speak.
        os._exit(0)
    try:
        text = encoder.encode(message)
    except (TypeError, ValueError, RecursionError):
        text = json.dumps({key: value if isinstance(value, (str, int, type(None))) else clean(str(value))
                           for key, value in message.items()}, ensure_ascii=False)
    data = text.encode("utf-8", "replace") + b"\n"
    if len(data) > LIMIT:
        data = json.dumps({"type": "error", "id": message.get("id"),
                           "error": "the answer has %d bytes; the most is %d" % (len(data), LIMIT)}).encode() + b"\n"
    view = memoryview(data)
    while view:
        view = view[os.write(answers, view):]


def shortened(error):
    import traceback
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if frame.filename != "<string>" and "importlib" not in frame.filename]
    lines = traceback.format_list(frames[-12:]) + traceback.format_exception_only(type(error), error)
    return clean("".join(lines))[-8000:]


def place(error, search):
    # The innermost frame in the project's own code, else the innermost one.
    import traceback
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if frame.filename != "<string>" and "importlib" not in frame.filename]
    own = None
    for frame in frames:
        path = os.path.realpath(frame.filename)
        if "site-packages" in path or path.startswith(os.path.realpath(sys.base_prefix) + os.sep + "lib"):
            continue
        for folder in search:
            folder = os.path.realpath(folder) + os.sep
            if path.startswith(folder):
                own = {"file": path[len(folder):], "line": frame.lineno, "function": frame.name}
                break
    if own is None and frames:
        own = {"file": frames[-1].filename, "line": frames[-1].lineno, "function": frames[-1].name}
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        own = {"file": error.filename, "line": error.lineno}
    if own is not None and own.get("function") == "<module>":
        del own["function"]
    return own and {key: clean(value) if isinstance(value, str) else value for key, value in own.items()}


def exception(error):
    # As the interpreter itself prints it: type and message.
    if isinstance(error, SystemExit):
        return said(error)
    try:
        text = str(error)
    except Exception:
        text = ""
    name = type(error).__qualname__
    return clean("%s: %s" % (name, text) if text else name)


def said(error):
    if isinstance(error, SystemExit):
        return "the agent called sys.exit(%s)" % ("" if error.code is None else clean(repr(error.code)))
    text = clean(str(error))
    return text if text else type(error).__name__


class Refused(Exception):
    def __init__(self, message, candidates=(), is_missing=False):
        super().__init__(message)
        self.candidates = list(candidates)
        self.is_missing = is_missing


def near(name, candidates, likeness):
    import difflib
    return difflib.get_close_matches(name, sorted(candidates), 3, likeness)


def modules_near(name, search):
    found = set()
    parts = name.split(".")
    for folder in search:
        folder = os.path.join(folder, *parts[:-1])
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        for entry in entries:
            stem = entry[:-3] if entry.endswith(".py") else entry
            if stem.isidentifier() and (entry.endswith(".py") or os.path.isdir(os.path.join(folder, entry))):
                found.add(".".join(parts[:-1] + [stem]))
    return near(name, found, 0.5)


def load_module(name, search):
    if name.endswith(".py"):
        from importlib import util
        for folder in search:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                spec = util.spec_from_file_location(os.path.basename(name)[:-3], path)
                module = util.module_from_spec(spec)
                sys.modules[spec.name] = module
                spec.loader.exec_module(module)
                return module
        raise Refused("file %s not found" % name, modules_near(name[:-3].replace("/", "."), search), True)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise Refused("module %s not found" % name, modules_near(name, search), True) from None
        raise


loop = None


def finished(awaitable):
    # Always on the same loop, and on that of the project's code if it made one while it was imported.
    global loop
    if loop is None:
        import asyncio, warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                loop = asyncio.get_event_loop()
            except RuntimeError:
                pass
        if loop is None or loop.is_closed():
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
    return loop.run_until_complete(awaitable)


def attribute(owner, name, path):
    try:
        return getattr(owner, name)
    except AttributeError:
        public = [word for word in dir(owner) if not word.startswith("_") and callable(getattr(owner, word, None))]
        raise Refused("%s has no %s" % (path, name), near(name, public, 0.4) or public[:3]) from None


def resolve(settings):
    search = settings["search"]
    module_name, _, path = settings["target"].partition(":")
    module = load_module(module_name, search)
    parts = path.split(".")
    owner = attribute(module, parts[0], module_name)
    if inspect.isclass(owner) and len(parts) > 1:
        factory = settings.get("factory")
        if factory:
            factory_module, _, factory_path = factory.partition(":")
            make = load_module(factory_module, search)
            for part in factory_path.split("."):
                make = attribute(make, part, factory_module)
            owner = make(**(settings.get("factory_kwargs") or {}))
            if inspect.isawaitable(owner):
                owner = finished(owner)
        else:
            owner = owner()
    for index, part in enumerate(parts[1:], 1):
        owner = attribute(owner, part, ".".join(parts[:index]))
    if not callable(owner):
        raise Refused("%s is not a function but %s" % (settings["target"], type(owner).__name__))
    return owner


class Nothing:
    # What a callback returns: code that waits for it and code that does not are both content.
    def __await__(self):
        return iter(())


class Attributes(dict):
    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self[name] = value


def with_attributes(value):
    if isinstance(value, dict):
        return Attributes((key, with_attributes(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return [with_attributes(inner) for inner in value]
    return value


def collector(into, is_async=False):
    def take(*message, **named):
        into.append(message[0] if message else named)
        return Nothing()

    async def take_later(*message, **named):
        take(*message, **named)

    return take_later if is_async else take


def put(arguments, path, value):
    *way, last = path.split(".")
    owner = arguments
    for part in way:
        owner = owner[int(part)] if isinstance(owner, list) else owner[part]
    owner[int(last) if isinstance(owner, list) else last] = value


def replayed(replay, chosen, text, sent, failed):
    # A copy, as the agent may change what it is given.
    arguments = json.loads(json.dumps(replay["kwargs"]))
    if replay["override"]:
        try:
            put(arguments, replay["override"], text)
        except (KeyError, IndexError, TypeError, ValueError):
            arguments = {}
    if chosen is not None and (not arguments or not replay["override"]):
        arguments.setdefault(chosen.name, text)
    collectors = {"builtin:collector.send": sent, "builtin:collector.error": failed}
    for name, value in arguments.items():
        if not (isinstance(value, str) and value.startswith("<")):
            continue
        provider = replay["providers"].get(name)
        if provider in collectors:
            arguments[name] = collector(collectors[provider], value.endswith(":async>"))
        elif not value.startswith("<repr:"):
            raise TypeError("the recorded argument %r was a function (%s), and replay_args.callable_providers has none for it"
                            % (name, value))
    return {name: with_attributes(value) for name, value in arguments.items()}


# What a parameter of one of these names gets, besides the one that takes the input.
EXTRAS = {}
for names, value in (
    (("conversation_state", "state", "dialog_state"), lambda context: context.get("conversation_state")),
    (("conversation_metadata", "state_metadata", "conversation_meta"),
     lambda context: (context.get("conversation_state") or {}).get("metadata")),
    (("messages", "history", "turns"), lambda context: context.get("messages")),
    (("persona", "user_persona"), lambda context: context.get("persona")),
    (("persona_config",), lambda context: context.get("persona_config") or context.get("persona")),
    (("persona_prompt", "persona_description", "persona_text"), lambda context: context.get("persona_description")),
    (("auto_approve", "auto_approve_tools", "approve_tools", "autoapprove"), lambda context: context.get("auto_approve_tools", True)),
    (("iteration", "run_iteration", "loop_index"), lambda context: context.get("iteration")),
):
    EXTRAS.update((name, value) for name in names)


class Binding:
    # How a function is called. Looking at it takes longer than many a function itself, so that is done once.
    def __init__(self, function, replay):
        self.function, self.replay = function, replay
        try:
            self.parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            self.parameters = None
            return
        self.named = [p for p in self.parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self.chosen = next((p for wanted in INPUT_NAMES for p in self.named if p.name == wanted), None)
        if self.chosen is None and self.named:
            self.chosen = self.named[0]

    def arguments(self, request, sent, failed):
        text = request["input"]
        if self.parameters is None:
            return [text], {}
        if self.replay is not None:
            keywords = replayed(self.replay, self.chosen, text, sent, failed)
            for parameter in self.named:
                if parameter.name not in keywords:
                    value = self.extra(parameter, request, sent, failed)
                    if value is not None and value is not parameter.empty:
                        keywords[parameter.name] = value
            return [], keywords
        if self.chosen is None:
            takes_any = any(p.kind == p.VAR_POSITIONAL for p in self.parameters)
            takes_names = any(p.kind == p.VAR_KEYWORD for p in self.parameters)
            return ([text], {}) if takes_any else ([], {"input": text} if takes_names else {})
        positional, keywords = [], {}
        for parameter in self.named:
            value = text if parameter is self.chosen else self.extra(parameter, request, sent, failed)
            if value is parameter.empty:
                # Nothing is known for it: its default.
                if parameter.default is parameter.empty:
                    raise TypeError("the parameter %r of the target is none that a value is known for" % parameter.name)
                if parameter.kind == parameter.POSITIONAL_ONLY:
                    positional.append(parameter.default)
            elif parameter.kind == parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                keywords[parameter.name] = value
        return positional, keywords

    def extra(self, parameter, request, sent, failed):
        if parameter.name == "send_message_callback":
            return collector(sent)
        if parameter.name == "send_error_callback":
            return collector(failed)
        known = EXTRAS.get(parameter.name)
        return parameter.empty if known is None else known(request["context"])


def at_path(value, path):
    for part in path.replace("[", ".").replace("]", "").split("."):
        if value is None:
            return None
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, (list, tuple)) and part.lstrip("-").isdigit():
            value = value[int(part)] if -len(value) <= int(part) < len(value) else None
        else:
            value = getattr(value, part, None)
    return value


def text_in(value, depth=0):
    if isinstance(value, str):
        return value
    if depth > 6 or value is None or isinstance(value, (int, float, bool, bytes)):
        return None
    if isinstance(value, (list, tuple)):
        parts = [text for text in (text_in(item, depth + 1) for item in value) if text]
        return "".join(parts) if parts else None
    for name in ("delta", "text", "content", "update", "message", "item", "data"):
        inner = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        if inner is not None and not callable(inner):
            text = text_in(inner, depth + 1)
            if text is not None:
                return text
    return None


def as_text(value):
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)) and not all(isinstance(item, dict) and "text" in item for item in value):
        text = None
    else:
        text = text_in(value)
    if text is not None:
        return text
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except TypeError:
        return str(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("the agent returned what cannot be written as JSON: %s" % said(error)) from None


def event_text(event, path):
    text = at_path(event, path)
    if isinstance(text, str):
        return text
    return text_in(event) or ""


def usage(result):
    for name in ("token_usage", "usage"):
        value = result.get(name) if isinstance(result, dict) else getattr(result, name, None)
        if value is not None and not isinstance(value, dict):
            # An object of a provider's library.
            value = getattr(value, "__dict__", None)
        if isinstance(value, dict):
            counts = {key: count for key, count in value.items()
                      if isinstance(key, str) and isinstance(count, (int, float)) and math.isfinite(count)}
            if counts:
                return counts
    return None


class Events:
    def __init__(self, path):
        self.path, self.texts, self.usage = path, [], None

    def take(self, event):
        self.texts.append(event_text(event, self.path))
        self.usage = usage(event) or self.usage

    async def drain(self, events):
        async for event in events:
            self.take(event)


def instrumented(request):
    # What the decorators of the peer's SDK note during a call belongs to its run, where the project uses that SDK.
    sdk = sys.modules.get("fluxloop")
    if sdk is None:
        return contextlib.nullcontext()
    import uuid
    try:
        return sdk.instrument(request["context"]["scenario"], trace_id=uuid.UUID(request["run_id"]))
    except Exception:
        return contextlib.nullcontext()


def observed(noted):
    observations = []
    for observation in getattr(noted, "observations", ()):
        try:
            entry = observation.model_dump(mode="json", exclude_none=True)
            json.dumps(entry, allow_nan=False)
            observations.append(entry)
        except Exception:
            pass
    return observations


def observed_text(observations):
    for member, name in (("name", "agent_final_response"), ("type", "agent")):
        for observation in reversed(observations):
            output = observation.get("output")
            is_generator = isinstance(output, str) and output.startswith(("<generator object", "<async_generator object"))
            if observation.get(member) == name and output is not None and not is_generator:
                return output
    return None


def observed_usage(observations):
    counts = {}
    for observation in observations:
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            if isinstance(observation.get(name), (int, float)):
                counts[name] = counts.get(name, 0) + observation[name]
    return counts or None


def answer(binding, request, stream_output_path):
    sent, failed = [], []
    positional, keywords = binding.arguments(request, sent, failed)
    events = Events(stream_output_path)
    with instrumented(request) as noted:
        result = binding.function(*positional, **keywords)
        if inspect.isawaitable(result):
            result = finished(result)
        if hasattr(result, "__aiter__"):
            finished(events.drain(result))
            result = "".join(events.texts)
        elif inspect.isgenerator(result):
            for event in result:
                events.take(event)
            result = "".join(events.texts)
    observations = observed(noted)
    text = observed_text(observations)
    if text is None:
        text = sent[-1] if sent else result
    message = {"type": "final", "id": request["id"], "output": clean(as_text(text)),
               "token_usage": usage(result) or events.usage or observed_usage(observations)}
    if observations:
        message["observations"] = observations
    if isinstance(result, dict) and isinstance(result.get("tool_calls"), list):
        message["tool_calls"] = result["tool_calls"]
    if sent or failed:
        message["callback_messages"] = {"send": [as_text(item) for item in sent], "error": [as_text(item) for item in failed]}
    return message


def end_with_keepstep():
    # Sleeps until nobody can write requests any more: keepstep is gone, or has no more work.
    hangup = select.poll()
    hangup.register(requests, 0)
    hangup.poll()
    # Whatever still runs here has nobody to answer to.
    os._exit(0)


def serve():
    # Forks a worker for each request, and returns in the worker only. Nothing of the project is loaded here, and there is
    # only one thread: others would hold their locks for ever in the fork.
    global PID, requests, answers
    if len(os.listdir("/proc/self/task")) > 1:
        send({"type": "refused"})
        os._exit(0)
    import gc, signal
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    inbox = requests.fileno()
    ready = select.poll()
    ready.register(inbox, select.POLLIN)
    ready.register(wake, select.POLLIN)
    running, forgotten = set(), set()
    sys.stdout.flush()
    sys.stderr.flush()
    # What is here already is never garbage, and stays in pages that all workers share.
    gc.collect()
    gc.freeze()
    send({"type": "ready"})
    part = b""
    while True:
        events = dict(ready.poll())
        if wake in events:
            os.read(wake, 4096)
            for pid in list(running):
                # It is only looked at: its number stays taken as long as keepstep may signal it.
                ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is not None:
                    running.discard(pid)
                    status = ended.si_status
                    if ended.si_code == os.CLD_EXITED:
                        status <<= 8
                    send({"type": "exited", "pid": pid, "status": status})
                    if pid in forgotten:
                        forgotten.discard(pid)
                        os.waitpid(pid, 0)
        if inbox not in events:
            continue
        chunk = os.read(inbox, 65536)
        if not chunk:
            os._exit(0)
        *lines, part = (part + chunk).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if request["type"] == "forget":
                pid = request["pid"]
                if pid in running:
                    forgotten.add(pid)
                else:
                    os.waitpid(pid, 0)
                continue
            files = []
            try:
                for file, flags in zip(request["files"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
                    files.append(os.open(file["path"], flags))
                    if os.fstat(files[-1]).st_ino != file["inode"]:
                        raise OSError("another file")
                pid = os.fork()
            except OSError:
                send({"type": "refused"})
                pid = None
            if pid == 0:
                os.setpgid(0, 0)
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                requests.close()
                for file in (answers, wake, waker):
                    os.close(file)
                PID, answers = os.getpid(), files[1]
                requests = os.fdopen(files[0], "rb")
                os.dup2(files[2], 1)
                os.dup2(files[2], 2)
                os.close(files[2])
                return
            if pid is not None:
                # Here as well as there, so that it is done when keepstep hears of it.
                try:
                    os.setpgid(pid, pid)
                except OSError:
                    pass
                running.add(pid)
                send({"type": "started", "pid": pid})
            for file in files:
                os.close(file)


def main():
    settings = json.loads(requests.readline())
    if settings.get("type") == "serve":
        serve()
        settings = json.loads(requests.readline())
    sys.path[:0] = [folder for folder in settings["search"] if folder not in sys.path]
    try:
        function = resolve(settings)
    except Refused as error:
        send({"type": "failed", "error": str(error), "candidates": error.candidates, "is_missing": error.is_missing})
        return
    except BaseException as error:
        send({"type": "failed", "error": said(error), "kind": type(error).__name__, "traceback": shortened(error)})
        return
    send({"type": "ready"})
    _thread.start_new_thread(end_with_keepstep, ())
    binding = None
    for line in requests:
        request = json.loads(line)
        try:
            if binding is None:
                binding = Binding(function, settings.get("replay"))
            message = answer(binding, request, settings["stream_output_path"])
        except BaseException as error:
            message = {"type": "error", "id": request["id"], "error": exception(error), "kind": type(error).__qualname__,
                       "location": place(error, settings["search"]), "traceback": shortened(error)}
        # What was printed has left the process before the answer does.
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        send(message)
    os._exit(0)


main()
