# Bundles the JavaScript client as the broker serves it: cmake -DCLIENT=web/client -DMODULES=web/node_modules -DOUTPUT=dir -P bundle.cmake
#
# ringcast.js is all of it but what only the protocol in Protocol Buffers needs; that is ringcast-proto.js, which
# ringcast.js loads when it is asked for.

file(GLOB esbuild "${MODULES}/@esbuild/*/bin/esbuild")
if(NOT esbuild)
  message(FATAL_ERROR "esbuild is missing, which bundles the JavaScript client: run ./dev build, or `npm ci --ignore-scripts` in web/")
endif()
file(REMOVE_RECURSE "${OUTPUT}")
execute_process(
  COMMAND ${esbuild} ringcast=${CLIENT}/index.js ringcast-proto=${CLIENT}/codec_proto.js
    --bundle --format=esm --splitting --minify --target=es2022 --charset=utf8 --log-level=warning
    --entry-names=[name] --outdir=${OUTPUT}
  COMMAND_ERROR_IS_FATAL ANY)
# What both need would be a third file.
file(GLOB made RELATIVE "${OUTPUT}" "${OUTPUT}/*")
list(SORT made)
if(NOT made STREQUAL "ringcast-proto.js;ringcast.js")
  message(FATAL_ERROR "the client was bundled into ${made}: codec_proto.js must not import what index.js does")
endif()
