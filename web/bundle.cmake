# Bundles the JavaScript client as the broker serves it: cmake -DCLIENT=web/client -DMODULES=web/node_modules -DOUTPUT=dir -P bundle.cmake
#
# ringcast.js is all of it but what only the protocol in Protocol Buffers (ringcast-proto.js) and tabs that share a
# connection (ringcast-shared.js) need; it loads these when it is asked for them.

file(GLOB esbuild "${MODULES}/@esbuild/*/bin/esbuild")
if(NOT esbuild)
  message(FATAL_ERROR "esbuild is missing, which bundles the JavaScript client: run ./dev build, or `npm ci --ignore-scripts` in web/")
endif()
file(REMOVE_RECURSE "${OUTPUT}")
execute_process(
  COMMAND ${esbuild} ringcast=${CLIENT}/index.js ringcast-proto=${CLIENT}/codec_proto.js
    ringcast-shared=${CLIENT}/shared.js
    --bundle --format=esm --splitting --minify --target=es2022 --charset=utf8 --log-level=warning
    --entry-names=[name] --outdir=${OUTPUT}
  COMMAND_ERROR_IS_FATAL ANY)
# What several of them need would be one more.
file(GLOB made RELATIVE "${OUTPUT}" "${OUTPUT}/*")
list(SORT made)
if(NOT made STREQUAL "ringcast-proto.js;ringcast-shared.js;ringcast.js")
  message(FATAL_ERROR "the client was bundled into ${made}: codec_proto.js and shared.js must not import what index.js does")
endif()
